#!/usr/bin/env python3
"""terminal.py [RUNS [EPOCHS]]: the commands that draw a live view, on real pseudo-terminals.

launch, RUNS times (default 10) with EPOCHS epochs (default 300): to the end, with output stopped for five seconds, in 20 columns and 10 rows, and with the
size changed again and again. Then launch, train, node and status --watch: ended by Ctrl+C, ended by Ctrl+C twice while nobody
reads the terminal, and with the terminal closed; training goes on while nobody reads. KEEP=1 leaves the folder with outputs.
"""
import fcntl, json, os, pty, re, select, shutil, signal, struct, subprocess, sys, tempfile, termios, time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = ["dotnet", os.path.join(ROOT, "src/DistTrainer.Cli/bin/Release/net10.0/disttrainer.dll")]
WORK = tempfile.mkdtemp()
CTRL_C, CTRL_Q, CTRL_S = b"\x03", b"\x11", b"\x13"
PATIENCE = 120
running = []
stopped = 5  # seconds without output; less in a short run
counts = {"passed": 0, "FAILED": 0}


def check(name, holds, why=""):
    outcome = "passed" if holds else "FAILED"
    counts[outcome] += 1
    print(f"{outcome}: {name}" + ("" if holds else f": {why}"), flush=True)


class Terminal:
    """A command on a pseudo-terminal of its own."""

    def __init__(self, *args, rows=40, columns=120):
        self.text, self.code, self.reads, self.slowly = b"", None, True, False
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            # What says that this is CI, or no terminal, would switch the live view off.
            environment = {name: value for name, value in os.environ.items() if name not in ("CI", "GITHUB_ACTIONS", "NO_COLOR")}
            os.chdir(WORK)
            for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            os.execvpe(PROGRAM[0], PROGRAM + list(args), environment | {"TERM": "xterm-256color", "DISTTRAINER_HTTP_PORT": "off"})
        running.append(self)
        self.resize(rows, columns)

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys):
        os.write(self.master, keys)

    def step(self, seconds=0.1):
        """Reads what is there, where output is read at all; true while the command runs."""
        if self.code is not None:
            return False
        if not self.reads or self.master is None:
            time.sleep(seconds)
        elif select.select([self.master], [], [], seconds)[0]:
            try:
                self.text += os.read(self.master, 500 if self.slowly else 65536)
                time.sleep(0.005 if self.slowly else 0)
            except OSError:
                time.sleep(seconds)
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            self.code = 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        return self.code is None

    def wait(self, seconds):
        """The exit code; None where it still runs then."""
        until = time.monotonic() + seconds
        while self.step() and time.monotonic() < until:
            pass
        return self.code

    def until(self, pattern, seconds=PATIENCE):
        """Reads until the output since the start matches; false where it does not in time."""
        end = time.monotonic() + seconds
        while not re.search(pattern, self.text.decode(errors="replace")):
            if not self.step() or time.monotonic() > end:
                return False
        return True

    def close(self):
        if self.master is not None:
            os.close(self.master)
            self.master = None

    def end(self):
        """Kills whatever is left of it."""
        running.remove(self)
        if self.code is None:
            for pid in list(family(self.pid)):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        self.close()

    def tail(self):
        return repr(self.text[-600:].decode(errors="replace"))


def family(pid):
    yield pid
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as children:
            for child in children.read().split():
                yield from family(int(child))
    except OSError:
        pass


def alive(pids):
    def runs(pid):
        try:
            with open(f"/proc/{pid}/stat") as stat:
                return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
        except OSError:
            return False
    return [pid for pid in pids if runs(pid)]


def steps_in(folder):
    try:
        with open(os.path.join(WORK, folder, "metrics.jsonl")) as lines:
            return max((json.loads(line)["step"] for line in lines if line.endswith("\n")), default=0)
    except OSError:
        return 0


def launch(run, epochs, **size):
    return Terminal("launch", "--nodes", "3", "--epochs", str(epochs), "--output", run, "--set", "run.report-every=5", **size)


def to_the_end(number, how, epochs):
    size = {"rows": 10, "columns": 20} if how == "20 x 10" else {}
    terminal = launch(f"end-{number}", epochs, **size)
    terminal.slowly = how == "read slowly"
    began = terminal.until(r"step" if size else r"epoch \d+/")
    if how == "not read":
        terminal.reads = False
        terminal.wait(stopped)
        terminal.reads = True
    elif how == "Ctrl+S":
        terminal.type(CTRL_S)
        terminal.wait(stopped)
        terminal.type(CTRL_Q)
    elif how == "resized":
        for i in range(20):
            terminal.resize(5 + 3 * i % 40, 10 + 17 * i % 150)
            terminal.wait(0.2)
    code = terminal.wait(PATIENCE)
    flat = re.sub(rb"\s", b"", terminal.text)
    check(f"launch {number}, {how}: ends with 0 and the hash is shown", began and code == 0 and b"sha256=" in flat, f"began {began}, code {code}, {terminal.tail()}")
    terminal.end()


def ends(name, terminal, pattern, code, keys=(CTRL_C,), reads=True, seconds=10, folder=None):
    """Ends a command that has come as far as the pattern."""
    began = terminal.until(pattern)
    terminal.reads = reads
    processes = list(family(terminal.pid))
    if not reads:
        before = steps_in(folder) if folder else 0
        terminal.wait(stopped)
        if folder:
            between = steps_in(folder)
            terminal.wait(stopped)
            check(f"{name}: training goes on while nobody reads the terminal", steps_in(folder) > between > before, f"steps {before}, {between}, {steps_in(folder)}")
    codes = code if isinstance(code, tuple) else (code,)
    start = time.monotonic()
    for key in keys:
        if key is None:
            terminal.close()
        else:
            terminal.type(key)
        terminal.wait(1)
    ended = terminal.wait(seconds)
    time.sleep(0.5)
    left = alive(processes)
    check(f"{name}: ends with {' or '.join(map(str, codes))} after {time.monotonic() - start - 0.5:.1f} s, and nothing is left of it", began and ended in codes and not left,
          f"began {began}, code {ended}, left {left}, {terminal.tail()}")
    terminal.end()
    for pid in left:
        os.kill(pid, signal.SIGKILL)


def train(run, **size):
    return Terminal("train", "--epochs", "1000000", "--output", run, "--set", "run.report-every=5", **size)


def node(run):
    job = os.path.join(WORK, f"{run}.conf")
    with open(job, "w") as file:
        file.write(f'data.source = digits\nmodel.layers = [{{ units = 64, activation = relu }}, {{}}]\ntraining.epochs = 1000000\nrun.output = "{os.path.join(WORK, run)}"\nrun.report-every = 1\n')
    return Terminal("node", "--role", "server,worker", "--cluster-port", "0", "--job", job, "--exit-when-done")


def main():
    global stopped
    runs, epochs = (int(value) for value in (sys.argv[1:] + ["10", "300"][len(sys.argv) - 1:]))
    stopped = 5 if runs >= 5 else 2
    if not os.path.exists(PROGRAM[1]):
        subprocess.run(["dotnet", "build", "-c", "Release", os.path.join(ROOT, "src/DistTrainer.Cli")], check=True)
    ways = ["read slowly", "not read", "20 x 10", "Ctrl+S", "resized"]
    for number in range(runs):
        to_the_end(number + 1, ways[number % len(ways)], epochs)
    view = r"epoch \d+/"
    ends("launch, Ctrl+C", launch("launch-c", 1000000), view, 130)
    ends("launch, Ctrl+C twice, not read", launch("launch-cc", 1000000), view, 130, (CTRL_C, CTRL_C), reads=False, folder="launch-cc")
    ends("launch, terminal closed", launch("launch-hup", 1000000), view, 129, (None,))
    ends("train, Ctrl+C", train("train-c"), view, 130)
    ends("train, Ctrl+C twice, not read", train("train-cc", rows=10, columns=20), "step", 130, (CTRL_C, CTRL_C), reads=False, folder="train-cc")
    ends("train, terminal closed", train("train-hup"), view, 129, (None,))
    check("train, terminal closed: the model is written", os.path.exists(os.path.join(WORK, "train-hup", "model.safetensors")))
    server = node("node")
    if server.until(r" steps epoch="):
        address = re.search(r"cluster=(\S+)", server.text.decode()).group(1)
        for name, keys, reads in (("Ctrl+C", (CTRL_C,), True), ("Ctrl+C twice, not read", (CTRL_C, CTRL_C), False)):
            ends(f"status --watch, {name}", Terminal("status", "--watch", "--cluster", address), r"learning rate", 0 if reads else (0, 130), keys, reads)
    ends("node, Ctrl+C twice, not read", server, " steps epoch=", 130, (CTRL_C, CTRL_C), reads=False, folder="node")
    print(f"{counts['passed']} passed, {counts['FAILED']} failed")
    return counts["FAILED"]


signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminal.py was ended"))
try:
    failed = main()
finally:
    for terminal in list(running):
        terminal.end()
    print(f"kept: {WORK}") if os.environ.get("KEEP") else shutil.rmtree(WORK, ignore_errors=True)
sys.exit(1 if failed else 0)
