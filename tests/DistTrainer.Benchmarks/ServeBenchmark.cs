using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace DistTrainer.Benchmarks;

/// <summary>
/// Load for <c>disttrainer serve</c>: clients that ask one request after another, each over a connection of its own.
/// </summary>
internal static class ServeBenchmark
{
    /// <summary>Measures requests a second and how long they take.</summary>
    /// <param name="server">Where the server listens, e.g. <c>http://127.0.0.1:8080</c>.</param>
    /// <param name="clients">Requests at the same time.</param>
    /// <param name="rows">Rows of a request.</param>
    /// <param name="seconds">How long; a fifth of it before is not counted.</param>
    public static async Task Run(Uri server, int clients, int rows, double seconds)
    {
        using var handler = new SocketsHttpHandler { MaxConnectionsPerServer = clients };
        using var http = new HttpClient(handler) { BaseAddress = server };
        using JsonDocument model = JsonDocument.Parse(await http.GetStringAsync(new Uri("/model", UriKind.Relative)));
        byte[] body = Encoding.UTF8.GetBytes(Body(model.RootElement.GetProperty("inputs").GetArrayLength(), rows));
        await Ask(http, body, clients, seconds / 5);
        long start = Stopwatch.GetTimestamp();
        double[] milliseconds = [.. (await Ask(http, body, clients, seconds)).Order()];
        double elapsed = Stopwatch.GetElapsedTime(start).TotalSeconds;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{{\"group\":\"serve\",\"clients\":{clients},\"rows\":{rows},\"requestsPerSecond\":{milliseconds.Length / elapsed:F0},\"rowsPerSecond\":{milliseconds.Length * rows / elapsed:F0},\"medianMs\":{At(milliseconds, 0.5):F2},\"p99Ms\":{At(milliseconds, 0.99):F2}}}"));
    }

    private static double At(double[] sorted, double share) => sorted[(int)(share * (sorted.Length - 1))];

    private static async Task<List<double>> Ask(HttpClient http, byte[] body, int clients, double seconds)
    {
        long start = Stopwatch.GetTimestamp();
        List<double>[] all = await Task.WhenAll(Enumerable.Range(0, clients).Select(_ => Task.Run(Client)));
        return [.. all.SelectMany(each => each)];

        async Task<List<double>> Client()
        {
            var milliseconds = new List<double>();
            while (Stopwatch.GetElapsedTime(start).TotalSeconds < seconds)
            {
                long asked = Stopwatch.GetTimestamp();
                using var content = new ByteArrayContent(body);
                content.Headers.ContentType = new("application/json");
                using HttpResponseMessage response =
                    await http.PostAsync(new Uri("/predict", UriKind.Relative), content);
                response.EnsureSuccessStatusCode();
                await response.Content.ReadAsByteArrayAsync();
                milliseconds.Add(Stopwatch.GetElapsedTime(asked).TotalMilliseconds);
            }

            return milliseconds;
        }
    }

    private static string Body(int inputs, int rows)
    {
        IEnumerable<string> texts = Enumerable.Range(0, rows)
            .Select(
                row => $"[{string.Join(
                    ',', Enumerable.Range(0, inputs).Select(column => ((row * 7) + (column * 3)) % 17))}]");
        return $"{{\"rows\":[{string.Join(',', texts)}]}}";
    }
}
