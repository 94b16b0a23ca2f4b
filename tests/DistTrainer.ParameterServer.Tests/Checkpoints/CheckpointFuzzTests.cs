using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using CsCheck;
using DistTrainer.Engine;
using DistTrainer.Engine.Files;
using DistTrainer.ParameterServer.Checkpoints;
using Xunit;

namespace DistTrainer.ParameterServer.Tests.Checkpoints;

/// <summary>
/// Manifests and parts that somebody changed and sealed again, so that what lies behind the checksums is reached. They
/// are read or refused in one line; nothing else happens, and no more memory is taken than their size warrants.
/// </summary>
public sealed class CheckpointFuzzTests : IDisposable
{
    private const int Iterations = 3000;
    private const int MostMemory = 1 << 20;
    private static readonly string[] s_texts =
        ["9", "0", "-1", "99999999999", "null", "{}", "[]", "\"", ",", "}", "]", "1e999", "\0"];
    private readonly CheckpointRig _rig = new();
    private readonly string _folder;

    public CheckpointFuzzTests()
    {
        using ShardRig rig = CheckpointRig.Trained(1);
        _folder = _rig.Save(rig);
    }

    [Fact]
    public void Sealed_manifests_with_changed_bytes_are_read_or_refused()
    {
        byte[] whole = File.ReadAllBytes(Path.Combine(_folder, ManifestFile.Name));
        string text = Encoding.UTF8.GetString(whole);
        byte[] body =
            whole[..Encoding.UTF8.GetByteCount(
                text[..text.IndexOf(",\n  \"manifestSha256\"", StringComparison.Ordinal)])];
        Mutations(body.Length).Sample(
            mutation =>
            {
                byte[] changed = mutation.Of(body);
                byte[] bytes = [.. changed, .. ",\n  \"manifestSha256\": \""u8,
                    .. Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA256.HashData(changed))), .. "\"\n}\n"u8];
                ReadOrRefuse(() => ManifestFile.Decode(bytes, "checkpoint.json"));
            },
            iter: Iterations, threads: 1);
    }

    [Fact]
    public void Parts_with_changed_headers_and_right_checksums_are_read_or_refused()
    {
        CheckpointManifest manifest = ManifestFile.Read(Path.Combine(_folder, ManifestFile.Name));
        string path = Path.Combine(_folder, manifest.Files[0].Name);
        byte[] part = File.ReadAllBytes(path);
        Mutations(part.Length).Sample(
            mutation =>
            {
                byte[] bytes = mutation.Of(part);
                File.WriteAllBytes(path, bytes);
                CheckpointFile file = manifest.Files[0] with
                {
                    Bytes = bytes.Length,
                    Crc32C = Crc32C.Compute(bytes).ToString("x8", CultureInfo.InvariantCulture),
                    Sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes)),
                };
                ReadOrRefuse(() =>
                {
                    using var reader = new CheckpointReader(_folder, manifest with
                    {
                        Files = [file, .. manifest.Files.Skip(1)],
                    });
                    reader.Verify();
                });
            },
            iter: Iterations, threads: 1);
    }

    public void Dispose() => _rig.Dispose();

    private static Gen<Mutation> Mutations(int length) =>
        Gen.Select(Gen.Int[0, length - 1], Gen.Int[0, 3], Gen.OneOf(
            Gen.Byte.Array[0, 4],
            Gen.Int[0, s_texts.Length - 1].Select(text => Encoding.ASCII.GetBytes(s_texts[text]))))
            .Select((at, removed, inserted) => new Mutation(at, removed, inserted));

    private static void ReadOrRefuse(Action read)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            read();
        }
        catch (DistTrainerException refused)
        {
            Assert.Equal(FailureKind.ModelFile, refused.Kind);
            Assert.DoesNotContain('\n', refused.Message);
        }
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MostMemory);
    }

    /// <summary>Some bytes taken out and others put in.</summary>
    private sealed record Mutation(int At, int Removed, byte[] Inserted)
    {
        public byte[] Of(byte[] bytes) => [.. bytes.Take(At), .. Inserted, .. bytes.Skip(At + Removed)];
    }
}
