// A stand-in for the demo, to prove that run.mjs finds what it must: node stand-in.mjs [FLAW …]; prints its address.
//
// Flaws: green-liar, picture-without-text, console-error, dead, wide, other-host, needs-script, silent-pause.

import { createServer } from "node:http";

const flaws = new Set(process.argv.slice(2));
const listeners = new Set();
let runs = 1;
let paused = [];

const processes = () => [
    { process: "backup-orders", state: "verified", last_run_id: `run_good${runs}` },
    { process: "backup-lying", state: "no", last_run_id: "run_lie1" },
];

const mark = (p) => {
    const green = p.state === "verified" || flaws.has("green-liar");
    return `<span style="color:${green ? "#006e50" : "#b03a00"}">${p.state === "verified" ? "verified" : "not verified"}</span>`;
};

const pauseOf = (p) => paused.filter((pause) => pause.process === p.process && !flaws.has("silent-pause"))
    .map((pause) => ` paused until ${pause.until}: ${pause.reason}`).join("");

const row = (p) => `<tr><td><a href="/processes/${p.process}">${p.process}</a></td><td>${mark(p)}${pauseOf(p)}</td>
    <td><a href="/runs/${p.last_run_id}">${p.last_run_id}</a></td></tr>`;

const list = () => `<table><caption>Processes</caption><tbody>${processes().map(row).join("")}</tbody></table>`;

function planted() {
    const parts = [];
    if (flaws.has("picture-without-text")) parts.push("<img src='/icon.svg'>");
    if (flaws.has("wide")) parts.push("<div style='width:3000px'>wide</div>");
    if (flaws.has("other-host")) parts.push("<img alt='x' src='http://127.0.0.2:9/x.png'>");
    return parts.join("");
}

function page(title, body) {
    const main = flaws.has("needs-script") ? `<main id="m"></main><script>m.innerHTML=${JSON.stringify(body)}</script>` : `<main>${body}</main>`;
    return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title>
        <meta name="viewport" content="width=device-width"><link rel="icon" href="/icon.svg">
        <style>td { padding: 8px 12px }</style></head><body>
        <header>Seaworthy stand-in</header>${main}<script src="/live.js"></script></body></html>`;
}

const SCRIPT = `
const live = new EventSource("/live");
live.onmessage = (message) => { const table = document.querySelector("main table"); if (table) table.outerHTML = message.data; };
${flaws.has("console-error") ? "console.error('planted');" : ""}`;

function answer(request, response) {
    const path = new URL(request.url, "http://stand-in").pathname;
    const send = (type, text, status = 200) => response.writeHead(status, { "content-type": type }).end(text);
    const html = (title, body) => send("text/html", page(title, `<h1>${title}</h1>${body}${planted()}`));
    const one = (name) => processes().find((p) => path.endsWith(name(p)));
    if (path === "/api/v1/processes") return send("application/json", JSON.stringify({ processes: processes() }));
    if (path === "/api/v1/overview") return send("application/json", JSON.stringify({ paused }));
    if (path === "/live.js") return send("text/javascript", SCRIPT);
    if (path === "/icon.svg") return send("image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>");
    if (path === "/live") {
        response.writeHead(200, { "content-type": "text/event-stream" }).write(": hello\n\n");
        listeners.add(response);
        return response.on("close", () => listeners.delete(response));
    }
    if (request.method === "POST" && path.endsWith("/run")) {
        runs += 1;
        if (!flaws.has("dead")) for (const to of listeners) to.write(`data: ${list().replaceAll("\n", " ")}\n\n`);
        return response.writeHead(303, { location: path.replace("/run", "") }).end();
    }
    if (request.method === "POST" && path.endsWith("/pause")) {
        let form = "";
        request.on("data", (data) => { form += data; });
        return request.on("end", () => {
            const until = new Date(Date.now() + 3_600_000).toISOString();
            paused = [{ process: path.split("/")[2], reason: new URLSearchParams(form).get("reason"), until }];
            response.writeHead(303, { location: path.replace("/pause", "") }).end();
        });
    }
    if (request.method === "POST" && path.endsWith("/resume")) {
        paused = [];
        return response.writeHead(303, { location: path.replace("/resume", "") }).end();
    }
    if (path === "/" || path === "/processes") return html(path === "/" ? "Overview" : "Processes", list());
    if (path === "/changes") return html("Changes", "<p>nothing waits</p>");
    if (path.startsWith("/runs/")) {
        const p = path.includes("lie") ? processes()[1] : processes()[0];
        return html(`Run of ${p.process}`, `<p>${mark(p)}</p>`);
    }
    const p = one((p) => `/processes/${p.process}`);
    if (p) return html(p.process, `<p>${mark(p)}</p><form method="post" action="${path}/run"><button>Run it now</button></form>
        <form method="post" action="${path}/pause"><label>Reason <input name="reason"></label> <button>Pause it</button></form>
        <form method="post" action="${path}/resume"><button>Let it go on</button></form>`);
    return send("text/plain", "nothing here", 404);
}

const server = createServer(answer);
server.listen(0, "127.0.0.1", () => console.log(`stand-in on http://127.0.0.1:${server.address().port}/`));
process.on("SIGTERM", () => process.exit(0));
