using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace DistTrainer.Cli.Serving;

/// <summary>The token that a client must show.</summary>
/// <param name="token">Null asks for nothing.</param>
internal sealed class AccessToken(string? token)
{
    /// <summary>The scheme of the header that shows it (RFC 6750).</summary>
    public const string Scheme = "Bearer";

    private readonly byte[]? _expected = token is null ? null : Hash(token);

    /// <summary>Refuses a request without it.</summary>
    /// <exception cref="RequestProblem">It is missing or another one (401).</exception>
    public void Check(HttpContext context)
    {
        if (_expected is null || IsIn(context.Request))
            return;
        context.Response.Headers.WWWAuthenticate = Scheme;
        throw new RequestProblem(StatusCodes.Status401Unauthorized, context.Request.Headers.Authorization.Count == 0
            ? "The header Authorization: Bearer TOKEN is missing; send the token that the server was started with."
            : "The header Authorization has not the token that the server was started with; allowed: Bearer TOKEN.");
    }

    /// <summary>
    /// Whether a request's header Authorization has the token; the scheme's case says nothing (RFC 9110, 11.1).
    /// </summary>
    public bool IsIn(HttpRequest request) =>
        request.Headers.Authorization.ToString() is var shown
            && shown.StartsWith(Scheme + " ", StringComparison.OrdinalIgnoreCase) && Is(shown[Scheme.Length..].Trim());

    /// <summary>Whether a text is the token; takes as long for any text.</summary>
    public bool Is(string shown) =>
        _expected is not null && CryptographicOperations.FixedTimeEquals(Hash(shown), _expected);

    // Hashes are of equal length, so the comparison says nothing about the token's.
    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}
