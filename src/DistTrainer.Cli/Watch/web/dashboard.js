"use strict";
// The dashboard: hears news over server-sent events, keeps them in columns for the charts, and draws what has changed.
const $ = id => document.getElementById(id);
const token = new URLSearchParams(location.search).get("token") ?? sessionStorage.getItem("token") ?? "";
if (token) sessionStorage.setItem("token", token);
if (location.search) history.replaceState(null, "", location.pathname);
const query = token ? `?token=${encodeURIComponent(token)}` : "";

const number = (value, digits = 4) => value == null ? "–" : Math.abs(value) >= 1e6 || (value !== 0 && Math.abs(value) < 1e-3) ? value.toExponential(2) : Number(value.toPrecision(digits)).toLocaleString("en-US", { maximumFractionDigits: 6 });
const compact = new Intl.NumberFormat("en-US", { notation: "compact" });
const percent = value => value == null ? "–" : `${(100 * value).toFixed(2)} %`;
const duration = seconds => !Number.isFinite(seconds) ? "–" : seconds < 60 ? `${Math.ceil(seconds)} s` : seconds < 3600 ? `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s` : `${Math.floor(seconds / 3600)} h ${Math.round(seconds % 3600 / 60)} min`;
const color = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// A point is [step, loss, accuracy, rate, norm, speed, compute, wait, gather, apply, others …]; an epoch [step, epoch, loss, accuracy, validation loss, validation accuracy, others …].
let points = [], epochs = [], ofEpochs = [];
const decades = (_, splits) => splits.map(value => Number.isInteger(Math.round(1e6 * Math.log10(value)) / 1e6) ? value : null);
const positive = value => value > 0 ? value : null;
const palette = ["#1f6feb", "#d4611b", "#2da44e", "#a371f7"];
const charts = {
  loss: { series: ["training", "validation"], columns: [p => positive(p[1])], epochColumn: e => positive(e[4]), isLog: true },
  accuracy: { series: ["training", "validation"], columns: [p => p[2]], epochColumn: e => e[5] },
  rate: { series: ["learning rate"], columns: [p => p[3]] },
  norm: { series: ["gradient norm"], columns: [p => positive(p[4])], isLog: true },
  speed: { series: ["samples/s"], columns: [p => p[5]] },
  times: { series: ["compute", "wait", "gather", "apply"], columns: [p => p[6], p => p[7], p => p[8], p => p[9]] },
};

// What a point or an epoch has besides gets a chart of its own, under its name.
function addCharts(names) {
  names.forEach((name, i) => i >= 9 && addChart(name, { series: [name], columns: [p => p[i + 1] ?? null] }, "times"));
}

function addEpochCharts(names) {
  ofEpochs = names.map((name, i) => ({ name, of: e => e[i + 2] ?? null })).slice(4).filter(one => epochs.some(e => one.of(e) != null));
  for (const { name, of } of ofEpochs) addChart(name, { series: [name], columns: [], epochColumn: of }, "rate");
}

function addChart(name, chart, before) {
  if (charts[name]) return;
  const [box, caption, host] = ["figure", "figcaption", "div"].map(kind => document.createElement(kind));
  caption.textContent = name[0].toUpperCase() + name.slice(1); host.id = name; box.append(caption, host);
  $(before).closest("figure").before(box);
  charts[name] = chart;
}

function columnsOf(chart) {
  if (!chart.epochColumn) return [points.map(p => p[0]), ...chart.columns.map(take => points.map(take))];
  if (chart.columns.length === 0) return [epochs.map(e => e[0]), epochs.map(chart.epochColumn)];
  return uPlot.join([[points.map(p => p[0]), points.map(chart.columns[0])], [epochs.map(e => e[0]), epochs.map(chart.epochColumn)]]);
}

function makeChart(id, chart) {
  const host = $(id), axis = () => ({ stroke: () => color("--dim"), grid: { stroke: () => color("--line"), width: 1 }, ticks: { stroke: () => color("--line"), width: 1 }, font: "12px system-ui" });
  chart.plot = new uPlot({
    width: host.clientWidth, height: 200, scales: { x: { time: false }, y: chart.isLog ? { distr: 3 } : {} },
    axes: [{ ...axis() }, { ...axis(), ...(chart.isLog ? { filter: decades, grid: { ...axis().grid, filter: decades }, ticks: { ...axis().ticks, filter: decades } } : {}), size: 62, values: (_, ticks) => ticks.map(tick => tick == null ? "" : Math.abs(tick) >= 1e5 ? compact.format(tick) : number(tick, 3)) }],
    series: [{ label: "step", value: (_, v) => number(v, 9) }, ...chart.series.map((label, i) => ({ label, stroke: palette[i], width: 1.5, spanGaps: true, points: { show: chart.epochColumn != null && i === chart.columns.length && epochs.length < 100 }, value: (_, v) => number(v) }))],
  }, columnsOf(chart), host);
}

let charted = false;
function drawCharts() {
  if (points.length === 0 && epochs.length === 0) return;
  for (const [id, chart] of Object.entries(charts)) {
    const isEmpty = id === "accuracy" && points.every(p => p[2] == null);
    $(id).closest("figure").hidden = isEmpty;
    if (isEmpty) continue;
    if (!chart.plot) makeChart(id, chart); else chart.plot.setData(columnsOf(chart));
  }
  charted = true;
}
addEventListener("resize", () => { for (const [id, chart] of Object.entries(charts)) chart.plot?.setSize({ width: $(id).clientWidth, height: 200 }); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { for (const chart of Object.values(charts)) chart.plot?.redraw(); });

function figure(label, value) {
  const box = document.createElement("div"), strong = document.createElement("b"), text = document.createElement("span");
  strong.textContent = value; text.textContent = label; box.append(strong, text);
  return box;
}

function cell(text) { const td = document.createElement("td"); td.textContent = text; return td; }

function drawStatus({ run, watched, nodes, leads, coordinator }) {
  const last = run?.last ?? watched?.last, ended = watched?.end;
  const state = run ? run.state : ended ?? (watched ? "starting" : leads ? "no run" : "looking on");
  $("name").textContent = run?.name || watched?.name || "DistTrainer";
  document.title = `${$("name").textContent} – ${state}`;
  $("state").textContent = state;
  $("state").className = `badge ${state.split(" ")[0]}`;
  const isPaused = state === "paused";
  $("pause").hidden = isPaused; $("resume").hidden = !isPaused;
  for (const id of ["pause", "resume", "stop"]) $(id).disabled = !run;
  const total = run?.totalSteps ?? watched?.totalSteps ?? 0, step = run?.step ?? last?.step ?? 0;
  const batchRate = last && points.length > 1 ? stepRate() : NaN;
  $("figures").replaceChildren(
    figure("epoch", last ? `${last.epoch}${last.stepsPerEpoch ? ` of ${Math.ceil(total / last.stepsPerEpoch)}` : ""}` : "–"), figure("step", total ? `${step.toLocaleString("en-US")} of ${total.toLocaleString("en-US")}` : "–"),
    figure("time left", ended || !run ? "–" : duration((total - step) / batchRate)), figure("training loss", number(last?.loss)),
    ...(last?.accuracy != null ? [figure("training accuracy", percent(last.accuracy))] : []),
    ...(epochs.length && epochs.at(-1)[4] != null ? [figure("validation loss", number(epochs.at(-1)[4]))] : []),
    ...(epochs.length && epochs.at(-1)[5] != null ? [figure("validation accuracy", percent(epochs.at(-1)[5]))] : []),
    ...ofEpochs.map(({ name, of }) => figure(name, number(of(epochs.at(-1))))),
    figure("samples/s", last ? Math.round(last.samplesPerSecond).toLocaleString("en-US") : "–"), figure("learning rate", number(last?.learningRate)),
    figure("generation", run?.generation ?? "–"), figure("last checkpoint", watched?.checkpoint != null ? `step ${watched.checkpoint.toLocaleString("en-US")}` : "none"));
  const share = total ? 100 * step / total : 0;
  $("progress").setAttribute("aria-valuenow", share.toFixed(1));
  $("progress").firstElementChild.style.width = `${share}%`;
  if (!leads && coordinator) say(`This node looks on. The curves are on the dashboard of ${coordinator}, which leads.`);
  drawNodes(run, nodes ?? []);
}

// Steps a second, from when the points came.
let arrivals = [];
function stepRate() {
  const first = arrivals[0], last = arrivals.at(-1);
  return first && last.time > first.time ? 1000 * (last.step - first.step) / (last.time - first.time) : NaN;
}

function drawNodes(run, nodes) {
  const dataShards = (run?.workers ?? []).reduce((sum, worker) => sum + worker.count, 0);
  $("nodes").tBodies[0].replaceChildren(...nodes.map(node => {
    const workers = (run?.workers ?? []).filter(worker => worker.node === node.name), shards = (run?.parameterShards ?? []).filter(shard => shard.node === node.name);
    const owned = workers.reduce((sum, worker) => sum + worker.count, 0), row = document.createElement("tr");
    const list = isReplica => shards.filter(shard => shard.isReplica === isReplica).map(shard => `#${shard.parameterShard}`).join(" ");
    const ranges = workers.filter(worker => worker.count).map(worker => worker.count === 1 ? worker.first : `${worker.first}–${worker.first + worker.count - 1}`).join(", ");
    const state = !node.isReachable ? "cannot be reached" : node.workers && !owned && run ? "idle" : node.isServer && node.workers ? "server, worker" : node.isServer ? "server" : "worker";
    row.append(cell(node.name), cell(state), cell(list(false)), cell(list(true)), cell(ranges), cell(owned && run?.last ? Math.round(run.last.samplesPerSecond * owned / dataShards).toLocaleString("en-US") : ""),
      cell(workers.length ? number(Math.max(...workers.map(worker => worker.compute)), 3) : ""), cell(workers.length ? number(Math.max(...workers.map(worker => worker.wait)), 3) : ""));
    const last = document.createElement("td");
    if (!node.isServer) {
      const button = document.createElement("button");
      button.textContent = "Drain"; button.dataset.node = node.name;
      button.onclick = () => act(`drain?node=${encodeURIComponent(node.name)}`);
      last.append(button);
    }
    row.append(last);
    return row;
  }));
}

function drawLog(lines) {
  if (!lines.length) return;
  const log = $("log"), follows = log.scrollTop + log.clientHeight >= log.scrollHeight - 20;
  log.append(...lines.map(line => { const span = document.createElement("span"); span.className = /^\S+ (WRN|ERR) /.exec(line)?.[1] ?? ""; span.textContent = `${line}\n`; return span; }));
  while (log.childElementCount > 300) log.firstElementChild.remove();
  if (follows) log.scrollTop = log.scrollHeight;
}

function say(text, isError = false) { const message = $("message"); message.textContent = text; message.className = isError ? "error" : ""; message.hidden = !text; }

async function act(action) {
  let shown = sessionStorage.getItem("token");
  if (!shown) {
    shown = prompt("The token that the node has printed with the dashboard's address:");
    if (!shown) return;
  }
  const answer = await fetch(`api/${action}`, { method: "POST", headers: { Authorization: `Bearer ${shown}` } });
  const body = await answer.json().catch(() => ({}));
  if (answer.status === 401) sessionStorage.removeItem("token"); else sessionStorage.setItem("token", shown);
  say(body.text ?? body.detail ?? answer.statusText, !answer.ok);
}
$("pause").onclick = () => act("pause");
$("resume").onclick = () => act("resume");
$("stop").onclick = () => confirm("Stop the run after its open step? Its model is written.") && act("stop");

function take(news) {
  if (news.isAnew) { points = []; epochs = []; arrivals = []; }
  points.push(...news.points); epochs.push(...news.epochs);
  addCharts(news.curves);
  addEpochCharts(news.epochCurves);
  const step = news.run?.step ?? news.watched?.last?.step;
  if (step != null && step !== arrivals.at(-1)?.step) arrivals = [...arrivals, { time: performance.now(), step }].slice(-60);
  if (news.points.length || news.epochs.length || !charted) drawCharts();
  drawStatus(news);
  drawLog(news.lines);
}

function badge(text) { $("state").textContent = text; $("state").className = "badge gone"; }

const source = new EventSource(`api/news${query}`);
source.addEventListener("news", event => take(JSON.parse(event.data)));
source.addEventListener("end", event => {
  const news = JSON.parse(event.data);
  take(news);
  if (!news.watched?.end) return; // the node leaves, and may come back
  source.close();
  say(`The process has ended. The run is in ${news.watched.folder}.`);
});
source.onerror = async () => {
  badge("connection lost, trying again");
  if (source.readyState !== EventSource.CLOSED) return;
  const answer = await fetch(`api/news${query}`).catch(() => null);
  if (answer?.status !== 401) { await answer?.body?.cancel(); return; }
  badge("no access");
  sessionStorage.removeItem("token");
  say("The token is missing or wrong: open the address that the server has printed, the line \"dashboard …\".", true);
};
