using DistTrainer.Cli.Watch;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine.Metrics;
using Microsoft.Playwright;
using Xunit;

namespace DistTrainer.Cli.Tests.Watch;

/// <summary>A test in a browser; left out where there is none (Debian: <c>chromium</c>).</summary>
public sealed class BrowserFactAttribute : FactAttribute
{
    public const string Chromium = "/usr/bin/chromium";

    public BrowserFactAttribute()
    {
        if (!File.Exists(Chromium))
            Skip = $"{Chromium} is not installed";
    }
}

public sealed class DashboardPageTests : IAsyncLifetime
{
    private const string Screenshots = "DISTTRAINER_SCREENSHOTS";
    private readonly FakeControl _control = new();
    private readonly RunWatch _watch = new();
    private readonly List<string> _faults = [];
    private DashboardServer _server = null!;
    private IPlaywright _playwright = null!;
    private IBrowser _browser = null!;

    public async Task InitializeAsync()
    {
        _watch.Begin("made-up", "runs/made-up");
        _watch.OnStarted(10, 1000);
        for (int step = 1; step <= 30; step++)
            _watch.OnStep(Reports.Step(step, 2.0 / step));
        for (int epoch = 1; epoch <= 3; epoch++)
            _watch.OnEpoch(Reports.Epoch(epoch, 10 * epoch));
        _watch.Log("10:00:00.000 WRN [run] node-gone node=worker-9");
        _server = (await DashboardServer.StartAsync(HttpSettings.Local(0), _watch, () => _control))!;
        if (!File.Exists(BrowserFactAttribute.Chromium))
            return;
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = BrowserFactAttribute.Chromium,
            Args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync"],
        });
    }

    public async Task DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        _playwright?.Dispose();
        await _server.DisposeAsync();
        Assert.Empty(_faults);
    }

    [BrowserFact]
    public async Task The_page_shows_figures_curves_nodes_and_events_and_goes_on_with_the_run()
    {
        IPage page = await OpenAsync(_server.Address);
        await Assertions.Expect(page.Locator("#name")).ToHaveTextAsync("made-up");
        await Assertions.Expect(page.Locator("#state")).ToHaveTextAsync("running");
        await Assertions.Expect(page.Locator("#figures")).ToContainTextAsync("30 of 1,000");
        await Assertions.Expect(page.Locator("#figures")).ToContainTextAsync("50.00 %");
        await Assertions.Expect(page.Locator("#charts canvas")).ToHaveCountAsync(6);
        await Assertions.Expect(page.Locator("#nodes tbody tr")).ToHaveCountAsync(5);
        await Assertions.Expect(page.Locator("#nodes tbody tr").Nth(0)).ToContainTextAsync("server-1/abc");
        await Assertions.Expect(page.Locator("#nodes tbody tr").Nth(1)).ToContainTextAsync("cannot be reached");
        await Assertions.Expect(page.Locator("#nodes tbody tr").Nth(2)).ToContainTextAsync("0–1");
        await Assertions.Expect(page.Locator("#log .WRN")).ToContainTextAsync("node-gone");
        await ShootAsync(page, "dashboard");

        _control.Last = Reports.Step(40, 0.5);
        _watch.OnStep(_control.Last);
        _watch.OnCheckpoint(new CheckpointReport(40, "folder", 100, TimeSpan.Zero, 1));
        _watch.Log("10:00:01.000 ERR [run] run-failed");
        await Assertions.Expect(page.Locator("#figures")).ToContainTextAsync("40 of 1,000");
        await Assertions.Expect(page.Locator("#figures")).ToContainTextAsync("step 40");
        await Assertions.Expect(page.Locator("#log .ERR")).ToContainTextAsync("run-failed");
        Assert.Equal(31, await page.EvaluateAsync<int>("points.length"));
    }

    [BrowserFact]
    public async Task A_figure_that_the_page_does_not_know_gets_a_chart_under_its_name()
    {
        IPage page = await OpenAsync(_server.Address);
        await Assertions.Expect(page.Locator("#charts canvas")).ToHaveCountAsync(6);
        await page.EvaluateAsync("addCharts([...Array(9).fill('known'), 'new figure'])");
        await page.EvaluateAsync("points.forEach(point => point.push(7)); drawCharts()");
        await Assertions.Expect(page.Locator("#charts canvas")).ToHaveCountAsync(7);
        await Assertions.Expect(page.Locator("#charts figcaption").Nth(5)).ToHaveTextAsync("New figure");
    }

    [BrowserFact]
    public async Task Figures_of_epochs_that_a_run_has_get_a_chart_and_a_number()
    {
        IPage page = await OpenAsync(_server.Address);
        await Assertions.Expect(page.Locator("#charts canvas")).ToHaveCountAsync(6);
        _watch.OnEpoch(Reports.Epoch(4, 40) with
        {
            Figures = new PartFigures { AreaUnderCurve = 0.9125 },
        });
        await Assertions.Expect(page.Locator("#charts canvas")).ToHaveCountAsync(7);
        await Assertions.Expect(page.Locator("#charts figcaption").Nth(2)).ToHaveTextAsync("Validation auc");
        await Assertions.Expect(page.Locator("#figures")).ToContainTextAsync("0.9125");
        await ShootAsync(page, "dashboard-figures");
    }

    [BrowserFact]
    public async Task Pause_resume_stop_and_drain_reach_the_run()
    {
        IPage page = await OpenAsync(_server.Address);
        page.Dialog += (_, dialog) => dialog.AcceptAsync();
        await page.Locator("#pause").ClickAsync();
        await Assertions.Expect(page.Locator("#state")).ToHaveTextAsync("paused");
        await Assertions.Expect(page.Locator("#message")).ToHaveTextAsync("done: PauseCommand");
        await page.Locator("#resume").ClickAsync();
        await Assertions.Expect(page.Locator("#state")).ToHaveTextAsync("running");
        await page.Locator("button[data-node='worker-2/abc']").ClickAsync();
        await Assertions.Expect(page.Locator("#message")).ToHaveTextAsync("done: DrainCommand");
        await page.Locator("#stop").ClickAsync();
        await Assertions.Expect(page.Locator("#message")).ToHaveTextAsync("done: StopCommand");
        Assert.Equal(
            [new PauseCommand(true), new PauseCommand(false), new DrainCommand("worker-2/abc"), new StopCommand()],
            _control.Told);
    }

    [BrowserFact]
    public async Task Without_the_token_the_page_asks_for_it_and_says_when_it_is_wrong()
    {
        IPage page = await OpenAsync($"http://127.0.0.1:{_server.Port}/");
        string token = "wrong";
        page.Dialog += (_, dialog) => dialog.AcceptAsync(token);
        await page.Locator("#pause").ClickAsync();
        await Assertions.Expect(page.Locator("#message")).ToContainTextAsync("the token is missing or wrong");
        Assert.Empty(_control.Told);
        _faults.RemoveAll(fault => fault.Contains("401", StringComparison.Ordinal));
        token = new Uri(_server.Address).Query["?token=".Length..];
        await page.Locator("#pause").ClickAsync();
        await Assertions.Expect(page.Locator("#state")).ToHaveTextAsync("paused");
    }

    [BrowserFact]
    public async Task A_page_that_is_refused_says_so_and_asks_no_more()
    {
        await using DashboardServer open =
            (await DashboardServer.StartAsync(new HttpSettings("0.0.0.0", 0, IsFixed: true, "secret"),
            _watch, () => _control))!;
        IPage page = await OpenAsync($"http://127.0.0.1:{open.Port}/?token=wrong");
        await Assertions.Expect(page.Locator("#state")).ToHaveTextAsync("no access");
        await Assertions.Expect(page.Locator("#message")).ToContainTextAsync("The token is missing or wrong");
        Assert.NotEmpty(_faults);
        _faults.RemoveAll(fault => fault.Contains("401", StringComparison.Ordinal));
    }

    [BrowserFact]
    public async Task A_run_that_has_ended_with_its_process_is_shown_as_ended()
    {
        IPage page = await OpenAsync(_server.Address);
        await Assertions.Expect(page.Locator("#state")).ToHaveTextAsync("running");
        _watch.OnStep(Reports.Step(31, 0.01));
        _watch.End("completed");
        await _server.DisposeAsync();
        await Assertions.Expect(page.Locator("#state")).ToHaveTextAsync("completed");
        await Assertions.Expect(page.Locator("#message"))
            .ToHaveTextAsync("The process has ended. The run is in runs/made-up.");
        await Assertions.Expect(page.Locator("#stop")).ToBeDisabledAsync();
        await Assertions.Expect(page.Locator("#figures")).ToContainTextAsync("31");
        if (Environment.GetEnvironmentVariable(Screenshots) is { } folder)
            await page.ScreenshotAsync(new PageScreenshotOptions
            {
                Path = Path.Combine(folder, "ended.png"),
                FullPage = true,
            });
    }

    [BrowserFact]
    public async Task It_is_readable_on_a_phone_in_the_dark()
    {
        await using IBrowserContext context = await _browser.NewContextAsync(new BrowserNewContextOptions
        {
            ViewportSize = new ViewportSize { Width = 390, Height = 800 },
            ColorScheme = ColorScheme.Dark,
        });
        IPage page = await OpenAsync(_server.Address, context);
        await Assertions.Expect(page.Locator("#charts canvas")).ToHaveCountAsync(6);
        Assert.Equal(
            "rgb(16, 20, 24)", await page.EvaluateAsync<string>("getComputedStyle(document.body).backgroundColor"));
        Assert.True(
            await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"),
            "the page is wider than the phone");
        await ShootAsync(page, "dashboard-phone");
    }

    [BrowserFact]
    public async Task At_32_workers_and_100_000_steps_it_stays_quick_and_its_memory_bounded()
    {
        for (int step = 31; step <= 100_000; step++)
            _watch.OnStep(Reports.Step(step, 2.0 / step));
        var big = new FakeControl { Workers = 32, Last = Reports.Step(100_000, 0.1) };
        await using DashboardServer other =
            (await DashboardServer.StartAsync(HttpSettings.Local(0), _watch, () => big))!;
        IPage page = await OpenAsync(other.Address);
        await Assertions.Expect(page.Locator("#nodes tbody tr")).ToHaveCountAsync(34);
        Assert.InRange(await page.EvaluateAsync<int>("points.length"), 500, 2000);
        for (int step = 100_001; step <= 100_400; step++)
            _watch.OnStep(Reports.Step(step, 0.1));
        // What one piece of news costs the page: drawing all charts and the table.
        double milliseconds = await page.EvaluateAsync<double>(
            "() => { const start = performance.now(); for (let i = 0; i < 10; i++) drawCharts(); return "
            + "(performance.now() - start) / 10; }");
        Assert.True(milliseconds < 100, $"drawing took {milliseconds} ms");
    }

    [BrowserFact]
    public async Task A_node_that_is_gone_is_said_and_found_again()
    {
        IPage page = await OpenAsync(_server.Address);
        await Assertions.Expect(page.Locator("#state")).ToHaveTextAsync("running");
        int port = _server.Port;
        await _server.DisposeAsync();
        await Assertions.Expect(page.Locator("#state")).ToHaveTextAsync("connection lost, trying again");
        _server = (await DashboardServer.StartAsync(HttpSettings.Local(port), _watch, () => _control))!;
        await Assertions.Expect(page.Locator("#state"))
            .ToHaveTextAsync("running", new LocatorAssertionsToHaveTextOptions { Timeout = 20_000 });
        _faults.Clear();
    }

    private async Task<IPage> OpenAsync(string address, IBrowserContext? context = null)
    {
        IPage page = await (context?.NewPageAsync() ?? _browser.NewPageAsync());
        page.PageError += (_, fault) => _faults.Add(fault);
        page.Console += (_, message) =>
        {
            if (message.Type == "error")
                _faults.Add(message.Text);
        };
        page.SetDefaultTimeout(20_000);
        Assertions.SetDefaultExpectTimeout(20_000);
        await page.GotoAsync(address);
        return page;
    }

    // For people who look at them, and for the README.
    private static async Task ShootAsync(IPage page, string name)
    {
        if (Environment.GetEnvironmentVariable(Screenshots) is { Length: > 0 } folder)
            await page.ScreenshotAsync(new PageScreenshotOptions
            {
                Path = Path.Combine(folder, $"{name}.png"),
                FullPage = true,
            });
    }
}
