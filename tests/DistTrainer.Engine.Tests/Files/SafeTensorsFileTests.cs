using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json;
using CsCheck;
using DistTrainer.Engine.Files;
using Xunit;

namespace DistTrainer.Engine.Tests.Files;

public sealed class SafeTensorsFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("safetensors").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_was_written_is_read_again_bit_for_bit()
    {
        SafeTensors content = Sample();
        string path = Path.Combine(_folder, "model.safetensors");
        SafeTensorsFile.Write(path, content);
        SafeTensors read = SafeTensorsFile.Read(path);

        Assert.Equal(content.Metadata.OrderBy(pair => pair.Key), read.Metadata.OrderBy(pair => pair.Key));
        Assert.Equal(["0.weight", "0.bias", "empty", "scalar"], read.Tensors.Select(tensor => tensor.Name));
        foreach ((NamedTensor wrote, NamedTensor got) in content.Tensors.Zip(read.Tensors))
        {
            Assert.Equal(wrote.Shape, got.Shape);
            Assert.Equal(Bits(wrote.Values), Bits(got.Values));
        }
    }

    [Fact]
    public void An_independent_reader_written_from_the_format_description_sees_the_same_tensors()
    {
        string path = Path.Combine(_folder, "model.safetensors");
        SafeTensorsFile.Write(path, Sample());
        byte[] bytes = File.ReadAllBytes(path);

        int headerLength = checked((int)BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        Assert.Equal(0, headerLength % 8);
        Assert.Equal((byte)'{', bytes[8]);
        using JsonDocument header = JsonDocument.Parse(bytes.AsMemory(8, headerLength));
        JsonElement weight = header.RootElement.GetProperty("0.weight");
        Assert.Equal("F32", weight.GetProperty("dtype").GetString());
        Assert.Equal([2, 3], weight.GetProperty("shape").EnumerateArray().Select(element => element.GetInt32()));
        int[] offsets = [.. weight.GetProperty("data_offsets").EnumerateArray().Select(element => element.GetInt32())];
        float[] values = [.. Enumerable.Range(0, (offsets[1] - offsets[0]) / 4)
            .Select(i => BitConverter.ToSingle(bytes, 8 + headerLength + offsets[0] + (4 * i)))];
        Assert.Equal([1f, -2.5f, 3e-30f, float.MaxValue, float.NaN, -0f], values);
        Assert.Equal("Größe \"{}\"\n", header.RootElement.GetProperty("__metadata__").GetProperty("text").GetString());
    }

    [Theory]
    [InlineData("de-DE")]
    [InlineData("tr-TR")]
    public void The_culture_does_not_change_a_byte(string culture)
    {
        string path = Path.Combine(_folder, "a"), other = Path.Combine(_folder, "b");
        SafeTensorsFile.Write(path, Sample());
        CultureInfo before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo(culture);
            SafeTensorsFile.Write(other, Sample());
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }

        Assert.Equal(File.ReadAllBytes(path), File.ReadAllBytes(other));
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}""", 4, "only F32")]
    [InlineData("""{"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}""", 4, "only F32")]
    [InlineData("""{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}""", 8, "only F32")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4, "hold")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 8, "needs 8")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4, "whole numbers")]
    [InlineData("""{"a":{"dtype":"F32","shape":[65536,65536,65536,65536],"data_offsets":[0,0]}}""", 0, "hold")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "the one before ends at 0")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 8, "appended")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "the one before ends at 4")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "twice")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", 4, "at bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1]}}""", 4, "without data_offsets")]
    [InlineData("""{"__metadata__":{"a":1}}""", 0, "not a text")]
    [InlineData("""[1]""", 0, "not a JSON object")]
    [InlineData("""{"a":[[[[[[[[[[[[]]]]]]]]]]]]}""", 0, "not valid JSON")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1e400],"data_offsets":[0,4]}}""", 4, "whole numbers")]
    public void A_header_that_does_not_fit_is_refused_with_what_is_wrong(string header, int dataBytes, string expected)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        byte[] file = new byte[8 + json.Length + dataBytes];
        BinaryPrimitives.WriteInt64LittleEndian(file, json.Length);
        json.CopyTo(file, 8);
        DistTrainerException failure = Assert.Throws<DistTrainerException>(
            () => SafeTensorsFile.Read(new MemoryStream(file), "x.safetensors"));
        Assert.Equal(FailureKind.ModelFile, failure.Kind);
        Assert.StartsWith("x.safetensors: ", failure.Message, StringComparison.Ordinal);
        Assert.Contains(expected, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', failure.Message);
    }

    [Fact]
    public void A_huge_header_length_is_refused_before_anything_is_allocated()
    {
        byte[] file = [255, 255, 255, 255, 255, 255, 255, 255, 1, 2];
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<DistTrainerException>(() => SafeTensorsFile.Read(new MemoryStream(file), "x"));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000_000);
    }

    [Fact]
    public void A_missing_file_is_a_model_file_failure() =>
        Assert.Equal(
            FailureKind.ModelFile,
            Assert.Throws<DistTrainerException>(() => SafeTensorsFile.Read(Path.Combine(_folder, "none"))).Kind);

    [Fact]
    public void A_folder_that_does_not_exist_is_a_disk_failure_and_leaves_nothing()
    {
        string path = Path.Combine(_folder, "none", "model.safetensors");
        Assert.Equal(
            FailureKind.Disk, Assert.Throws<DistTrainerException>(() => SafeTensorsFile.Write(path, Sample())).Kind);
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void A_failure_in_the_middle_of_writing_leaves_the_old_file_and_no_temporary_one()
    {
        string path = Path.Combine(_folder, "a.txt");
        File.WriteAllText(path, "old");
        Assert.Throws<DistTrainerException>(() => AtomicFile.Write(path, stream =>
        {
            stream.WriteByte(1);
            throw new IOException("No space left on device");
        }));
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Single(Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void Bit_flips_give_a_valid_read_or_a_model_file_failure()
    {
        byte[] file = Bytes();
        Gen.Select(Gen.Int[0, file.Length - 1], Gen.Int[0, 7]).Array[1, 4].Sample(flips =>
        {
            byte[] damaged = [.. file];
            foreach ((int at, int bit) in flips)
                damaged[at] ^= (byte)(1 << bit);
            ReadsOrRefuses(damaged);
        }, iter: 5000);
    }

    [Fact]
    public void Every_truncation_is_refused()
    {
        byte[] file = Bytes();
        for (int length = 0; length < file.Length; length++)
        {
            DistTrainerException failure = Assert.Throws<DistTrainerException>(
                () => SafeTensorsFile.Read(new MemoryStream(file, 0, length), "x"));
            Assert.Equal(FailureKind.ModelFile, failure.Kind);
        }
    }

    [Fact]
    public void Random_bytes_never_give_another_exception() =>
        Gen.Byte.Array[0, 200].Sample(bytes =>
        {
            if (bytes.Length > 8)
                bytes.AsSpan(1, 7).Clear();
            ReadsOrRefuses(bytes);
        }, iter: 5000);

    private static void ReadsOrRefuses(byte[] bytes)
    {
        try
        {
            SafeTensorsFile.Read(new MemoryStream(bytes), "x");
        }
        catch (DistTrainerException failure) when (failure.Kind == FailureKind.ModelFile)
        {
            Assert.DoesNotContain('\n', failure.Message);
        }
    }

    private byte[] Bytes()
    {
        string path = Path.Combine(_folder, "whole");
        SafeTensorsFile.Write(path, Sample());
        return File.ReadAllBytes(path);
    }

    private static int[] Bits(ReadOnlyMemory<float> values) =>
        [.. values.ToArray().Select(BitConverter.SingleToInt32Bits)];

    private static SafeTensors Sample() => new(
        new Dictionary<string, string> { ["text"] = "Größe \"{}\"\n", ["format"] = "pt" },
        [
            new NamedTensor("0.weight", [2, 3], new[] { 1f, -2.5f, 3e-30f, float.MaxValue, float.NaN, -0f }),
            new NamedTensor("0.bias", [2], new[] { 0.1f, float.NegativeInfinity }),
            new NamedTensor("empty", [0, 5], ReadOnlyMemory<float>.Empty),
            new NamedTensor("scalar", [], new[] { 7f }),
        ]);
}
