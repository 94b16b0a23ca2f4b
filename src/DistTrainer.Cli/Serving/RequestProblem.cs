using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace DistTrainer.Cli.Serving;

/// <summary>A request that is not answered: what is told to the client, as a problem of RFC 9457.</summary>
/// <param name="status">The HTTP status.</param>
/// <param name="detail">One line: what, where, the value, what is allowed.</param>
internal sealed class RequestProblem(int status, string detail) : Exception(detail)
{
    private static readonly JsonWriterOptions s_options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The HTTP status.</summary>
    public int Status => status;

    /// <summary>The row of the request, from 0, where it is about one.</summary>
    public int? Row { get; init; }

    /// <summary>The column, where it is about one.</summary>
    public string? Column { get; init; }

    /// <summary>Answers the request with it.</summary>
    public async Task WriteAsync(HttpResponse response)
    {
        response.StatusCode = status;
        response.ContentType = "application/problem+json";
        await using (var json = new Utf8JsonWriter(response.BodyWriter, s_options))
        {
            json.WriteStartObject();
            json.WriteString("title", ReasonPhrases.GetReasonPhrase(status));
            json.WriteNumber("status", status);
            json.WriteString("detail", Message);
            if (Row is { } row)
                json.WriteNumber("row", row);
            if (Column is { } column)
                json.WriteString("column", column);
            json.WriteEndObject();
        }

        await response.BodyWriter.FlushAsync(response.HttpContext.RequestAborted);
    }
}
