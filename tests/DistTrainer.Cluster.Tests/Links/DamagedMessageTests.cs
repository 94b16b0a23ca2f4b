using DistTrainer.Cluster.Links;
using DistTrainer.Transport;
using Xunit;

namespace DistTrainer.Cluster.Tests.Links;

public sealed class DamagedMessageTests
{
    [Theory]
    [InlineData(SegmentMessages.Answer, "")]
    [InlineData(SegmentMessages.Answer, "92")] // ends within
    [InlineData(SegmentMessages.Answer, "92CFFFFFFFFFFFFFFFFFC3")] // a number that is too large for its field
    [InlineData(SegmentMessages.Answer, "92A161C3")] // a text in the place of a number
    [InlineData(SegmentMessages.Answer, "93")] // another number of fields
    [InlineData(LinkMessages.Broadcast, "94CFFFFFFFFFFFFFFFFF000000")]
    [InlineData(LinkMessages.Push, "9B01000102000002C300FF90")]
    [InlineData(99, "90")] // no such kind
    public void Bytes_that_are_no_message_of_their_kind_are_refused_as_damaged_data(byte kind, string hex)
    {
        using var rig = new LinksRig("server");
        Assert.Throws<InvalidDataException>(() => rig.Links.Receive(null!, kind, Convert.FromHexString(hex)));
    }

    [Fact]
    public void Bytes_that_are_longer_than_an_integer_can_say_are_refused_as_damaged_data()
    {
        byte[] tag = Convert.FromHexString("C6FFFFFFFF0000000000000000");
        Assert.Throws<InvalidDataException>(() => SegmentMessages.ReadOffer(new([0x95, 1, 1, 0, 4, .. tag])));
        Assert.Throws<InvalidDataException>(() => Handshake.ReadHello([0x93, .. tag]));
    }
}
