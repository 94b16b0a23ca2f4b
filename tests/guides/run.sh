#!/usr/bin/env bash
# Runs the commands of the guides: every block that begins with ```sh, in order, each guide in a temporary folder of its
# own with the repository's data, docs and deploy in it and the built disttrainer on the PATH. A block fails if a command
# of it does, or if a line "#> text" has a text that is not in the output. Exit code 77 leaves the block out, with its
# last line as the reason. Arguments: other pages than docs/guides/*.md and docs/serving.md.
# Prints a line a block, and "N passed, N failed" at the end.
set -uo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
program=$root/src/DistTrainer.Cli/bin/Release/net10.0/disttrainer.dll
[ -f "$program" ] || dotnet build -c Release src/DistTrainer.Cli -v quiet -nologo || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin"
printf '#!/bin/sh\nexec dotnet "%s" "$@"\n' "$program" > "$work/bin/disttrainer"
chmod +x "$work/bin/disttrainer"
export PATH=$work/bin:$PATH LC_ALL=C.UTF-8

passed=0
failed=0
# block FILE NAME: runs one block in the current folder.
block() {
  local output code line
  # What a block has started in the background ends with it.
  output=$(timeout 300 bash -euo pipefail -c 'trap "jobs -p | xargs -r kill 2> /dev/null || true" EXIT; . "$0"' "$1" 2>&1)
  code=$?
  if [ $code -eq 77 ]; then
    echo "guides: $2: $(tail -1 <<< "$output")"
    return
  fi
  if [ $code -eq 0 ]; then
    while IFS= read -r line; do
      grep -qF -- "$line" <<< "$output" || { code=missing; echo "guides: $2: the output lacks: $line"; }
    done < <(sed -n 's/^#> //p' "$1")
  fi
  if [ "$code" = 0 ]; then
    passed=$((passed + 1))
    echo "guides: $2: fine"
  else
    failed=$((failed + 1))
    printf 'guides: %s: FAILED (%s)\n%s\n' "$2" "$code" "$output"
  fi
}

[ $# -gt 0 ] || set -- docs/guides/*.md docs/serving.md
for guide in "$@"; do
  folder=$work/$(basename "$guide" .md)
  mkdir "$folder"
  ln -s "$root/data" "$root/docs" "$root/deploy" "$folder"
  awk -v to="$folder/block-" '/^```sh$/ {file = sprintf("%s%02d.sh", to, ++n); next} /^```/ {file = ""} file {print > file}' "$root/$guide"
  for script in "$folder"/block-*.sh; do
    [ -f "$script" ] || { echo "guides: $guide: has no \`\`\`sh block"; failed=$((failed + 1)); break; }
    cd "$folder" && block "$script" "$(basename "$guide") $(basename "$script" .sh)"
  done
  cd "$root"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
