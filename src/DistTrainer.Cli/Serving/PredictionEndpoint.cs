using System.Buffers;
using System.Text;
using System.Text.Json;
using DistTrainer.Cli.Commands;
using DistTrainer.Engine.Data;
using DistTrainer.Jobs;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace DistTrainer.Cli.Serving;

/// <summary><c>POST /predict</c>: rows as JSON or CSV in, what <c>disttrainer predict</c> prints out.</summary>
/// <param name="model">The model.</param>
/// <param name="settings">Limits and batches.</param>
internal sealed class PredictionEndpoint(TrainedModel model, ServeSettings settings) : IDisposable
{
    /// <summary>The header with a list, in JSON, of what the rows have that training did not.</summary>
    public const string NotesHeader = "DistTrainer-Notes";

    private const string Json = "application/json";
    private const string Csv = "text/csv";

    private readonly PredictionBatcher _batcher = new(model, settings);
    private readonly RowsJson _json = new(
        model.Schema, model.Job.Job.Data.Columns.Missing, settings.MaxRows);
    private readonly DataDescription _csv = EvaluateCommand.OtherFile(model.Job.Job.Data, "body");
    private int _open;
    private long _requests;
    private long _rows;
    private long _refused;

    /// <summary>
    /// Counts of answered requests, their rows, the batches they were computed in, and refused requests.
    /// </summary>
    public string Figures =>
        $"requests={Interlocked.Read(ref _requests)} rows={Interlocked.Read(ref _rows)} batches={_batcher.Batches} "
        + $"refused={Interlocked.Read(ref _refused)}";

    /// <summary>Answers one request.</summary>
    /// <exception cref="RequestProblem">It is refused.</exception>
    public async Task AnswerAsync(HttpContext context)
    {
        try
        {
            if (Interlocked.Increment(ref _open) > settings.MaxRequests)
            {
                context.Response.Headers.RetryAfter = "1";
                throw new RequestProblem(
                    StatusCodes.Status503ServiceUnavailable,
                    $"{Numbers.Text(settings.MaxRequests)} requests are open, the most at a time (--max-requests); "
                    + "come again in a second.");
            }

            PredictionRows read = await ReadAsync(context.Request);
            if (read.Notes.Count > 0)
                context.Response.Headers[NotesHeader] = JsonSerializer.Serialize(read.Notes); // ASCII alone
            float[] predictions = await _batcher.PredictAsync(read, context.RequestAborted);
            await WriteAsync(context, predictions);
            Interlocked.Increment(ref _requests);
            Interlocked.Add(ref _rows, read.Count);
        }
        catch (Exception)
        {
            Interlocked.Increment(ref _refused);
            throw;
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }

    /// <summary>Ends the computing threads.</summary>
    public void Dispose() => _batcher.Dispose();

    private async Task<PredictionRows> ReadAsync(HttpRequest request)
    {
        string type = MediaTypeOf(request);
        using var body = new MemoryStream((int)Math.Min(request.ContentLength ?? 0, settings.MaxBytes));
        await request.Body.CopyToAsync(body, request.HttpContext.RequestAborted);
        body.TryGetBuffer(out ArraySegment<byte> bytes);
        if (type == Json)
            return _json.Read(bytes);
        PredictionRows read = DataLoader.ReadForPrediction(bytes, "body", _csv, model.Schema);
        return read.Count <= settings.MaxRows
            ? read
            : throw new RequestProblem(
                StatusCodes.Status413PayloadTooLarge,
                $"The body has {Numbers.Text(read.Count)} rows; allowed: {Numbers.Text(settings.MaxRows)} in one "
                + "request (--max-rows); send several requests.");
    }

    private static string MediaTypeOf(HttpRequest request)
    {
        if (!string.IsNullOrEmpty(request.Headers.ContentEncoding))
            throw new RequestProblem(StatusCodes.Status415UnsupportedMediaType,
                $"Content-Encoding: \"{request.Headers.ContentEncoding}\" is not read; send the body as it is.");
        if (MediaTypeHeaderValue.TryParse(request.ContentType, out MediaTypeHeaderValue? given)
            && (given.Encoding ?? Encoding.UTF8).CodePage == Encoding.UTF8.CodePage)
        {
            foreach (string known in new[] { Json, Csv })
            {
                if (given.MediaType.Equals(known, StringComparison.OrdinalIgnoreCase))
                    return known;
            }
        }

        throw new RequestProblem(
            StatusCodes.Status415UnsupportedMediaType,
            $"Content-Type: \"{request.ContentType}\" is not read; allowed: {Json} and {Csv}, in UTF-8.");
    }

    private async Task WriteAsync(HttpContext context, float[] predictions)
    {
        HttpResponse response = context.Response;
        bool wantsCsv = context.Request.GetTypedHeaders()
            .Accept.Any(accepted => accepted.MediaType.Equals(Csv, StringComparison.OrdinalIgnoreCase));
        response.ContentType = wantsCsv ? $"{Csv}; charset=utf-8" : Json;
        if (wantsCsv)
            response.BodyWriter.Write(Encoding.UTF8.GetBytes(PredictionText.Csv(model.Schema, predictions)));
        else
            PredictionText.WriteJson(model.Schema, predictions, response.BodyWriter);
        await response.BodyWriter.FlushAsync(context.RequestAborted);
    }
}
