#!/usr/bin/env bash
# check.sh: packs, looks into the packages, installs the tool and builds a program against the packages, all in a
# temporary folder with a package cache of its own for DistTrainer's; both must train to the hashes of the project's build.
. "$(dirname "$0")/../cluster/common.sh"
version=$(dotnet msbuild "$root/src/DistTrainer.Engine" -getProperty:Version)
feed=$work/feed
for project in Engine ParameterServer Jobs Transport Cluster Cli; do
  dotnet pack -c Release "$root/src/DistTrainer.$project" -o "$feed" >"$work/pack" 2>&1 || { cat "$work/pack"; break; }
done

# holds FILE ENTRY…: whether a package has all of these files.
holds() {
  local names
  names=$(python3 -c 'import sys, zipfile; print("\n".join(zipfile.ZipFile(sys.argv[1]).namelist()))' "$1") || return 1
  for entry in "${@:2}"; do
    grep -qxF -- "$entry" <<<"$names" || { echo "$1 has no $entry"; return 1; }
  done
}
for project in Engine ParameterServer Jobs Transport Cluster; do
  check "the package DistTrainer.$project has the assembly, its XML docs, README and license" \
    holds "$feed/DistTrainer.$project.$version.nupkg" README.md LICENSE "lib/net10.0/DistTrainer.$project.dll" "lib/net10.0/DistTrainer.$project.xml"
done
check "the tool's package has README, license and the data that train takes" holds "$feed/disttrainer.$version.nupkg" \
  README.md LICENSE tools/net10.0/any/disttrainer.dll tools/net10.0/any/data/digits/digits.csv.gz tools/net10.0/any/data/iris/iris.csv tools/net10.0/any/data/concrete/concrete.csv

# A cache of its own, so that an older package of the same version is not taken; what is cached already need not be fetched.
cached=$(dotnet nuget locals global-packages --list | sed 's/.*: //')
export NUGET_PACKAGES=$work/cache
cat >"$work/nuget.config" <<CONFIG
<configuration>
  <packageSources>
    <add key="built" value="$feed" />
  </packageSources>
  <fallbackPackageFolders>
    <add key="cached" value="$cached" />
  </fallbackPackageFolders>
</configuration>
CONFIG
(cd "$work" && dotnet tool install disttrainer --version "$version" --tool-path "$work/tool" --add-source "$feed" --configfile "$work/nuget.config") >"$work/install" 2>&1 || cat "$work/install"
own=$("${program[@]}" train --epochs 2 --quiet --output "$work/own" 2>/dev/null | hash_of)
check "the project's build trains: $own" test -n "$own"
installed=$(cd "$work" && "$work/tool/disttrainer" train --epochs 2 --quiet --output "$work/installed" 2>"$work/train" | hash_of) || cat "$work/train"
check "the installed tool trains to the same hash" same "$own" "$installed"

cp -r "$root/tests/packages/consumer" "$work/consumer"
(cd "$work/consumer" && dotnet run -c Release -p:DistTrainerVersion="$version") >"$work/consumer.log" 2>&1 || cat "$work/consumer.log"
check "a program that has the packages alone trains and predicts" grep -qx 'classes 1 0' "$work/consumer.log"

mkdir "$work/readme"
cp "$root/tests/packages/consumer/Consumer.csproj" "$work/readme"
ln -s "$root/data" "$work/readme/data"
sed -n '/^```csharp$/,/^```$/ {/^```/!p}' "$root/README.md" >"$work/readme/Program.cs"
(cd "$work/readme" && dotnet run -c Release -p:DistTrainerVersion="$version") >"$work/readme.log" 2>&1 || cat "$work/readme.log"
check "the README's program trains and saves a model" test -s "$work/readme/model.safetensors"
finish
