// Looks at the pages of a running demo with a real browser, and says one line per look:
// `ok NAME`, `not ok NAME: why`, `SKIPPED: NAME: why`. Exit code 1 if any is not ok.
//
// SEAWORTHY_URL          where the demo is, such as http://127.0.0.1:4711/
// SEAWORTHY_BROWSER      the Chromium program; /usr/bin/chromium if not said
// SEAWORTHY_SCREENSHOTS  folder for pictures; none if not said
// SEAWORTHY_LIVE_MS      how long a live page may take to change; 30000 if not said
//
// What is true comes from the demo's JSON (api/v1), what is shown from the pages; this file must not know how either is made.

import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { axeFindings, greenThings, overflow, watchElements } from "./looks.mjs";
import { end, look, must } from "./say.mjs";

const base = new URL(process.env.SEAWORTHY_URL ?? "http://127.0.0.1:4711/");
const pictures = process.env.SEAWORTHY_SCREENSHOTS;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** The process that says it is done and is not. */
const LIAR = /lying/;
/** The demo shows everything within 60 s; a loaded machine may take twice that. */
const STORY_MS_MAX = 120_000;
/** From a press on "run" to a change on another page that nobody touched. */
const LIVE_MS_MAX = Number(process.env.SEAWORTHY_LIVE_MS ?? 30_000);
const PAGE_MS_MAX = 15_000;

const DESKTOP = { viewport: { width: 1280, height: 900 } };
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 3, isMobile: true, hasTouch: true };
const NO_SCRIPT = { javaScriptEnabled: false };
const DEVICES = [
    ["desktop", DESKTOP],
    ["phone", PHONE],
    ["desktop without script", { ...DESKTOP, ...NO_SCRIPT }],
    ["phone without script", { ...PHONE, ...NO_SCRIPT }],
    ["desktop in the dark", { ...DESKTOP, colorScheme: "dark" }],
];

const ARGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"];

async function json(path) {
    const answer = await fetch(new URL(`api/v1/${path}`, base), { signal: AbortSignal.timeout(PAGE_MS_MAX) });
    must(answer.ok, `api/v1/${path} answered ${answer.status}`);
    return answer.json();
}

/** Waits until the demo has told its story: a verified process and a lying one that has run. */
async function story() {
    const until = Date.now() + STORY_MS_MAX;
    for (;;) {
        const { processes } = await json("processes");
        const liar = processes.find((p) => LIAR.test(p.process) && p.last_run_id);
        const honest = processes.find((p) => ["verified", "healed"].includes(p.state) && p.last_run_id);
        if (liar && honest) return { processes, liar, honest };
        must(Date.now() < until, `after ${STORY_MS_MAX / 1000} s the demo has no ${liar ? "verified" : "lying"} process that ran`);
        await new Promise((resolve) => setTimeout(resolve, 250));
    }
}

/** A new page that remembers everything that went wrong on it. */
async function open(browser, options) {
    const context = await browser.newContext(options);
    context.setDefaultTimeout(PAGE_MS_MAX);
    const page = await context.newPage();
    const wrong = [];
    page.on("console", (message) => message.type() === "error" && wrong.push(`console: ${message.text()}`));
    page.on("pageerror", (error) => wrong.push(`script: ${error.message}`));
    page.on("response", (answer) => answer.status() >= 400 && wrong.push(`${answer.status()} for ${answer.url()}`));
    page.on("request", (request) => {
        const url = new URL(request.url());
        if (url.protocol.startsWith("http") && url.origin !== base.origin) wrong.push(`asks another host: ${url.origin}`);
    });
    return { context, page, wrong };
}

async function picture(page, name) {
    if (!pictures) return;
    mkdirSync(pictures, { recursive: true });
    await page.screenshot({ path: `${pictures}/${name.replaceAll(" ", "-")}.png`, fullPage: true });
}

/** One page in one kind of browser: it is complete, accessible, fits, and nothing went wrong on it. Says all that is not. */
async function lookAtPage(browser, name, path, shows, options) {
    const { context, page, wrong } = await open(browser, options);
    try {
        await page.goto(new URL(path, base).href, { waitUntil: "load" });
        // The source of `main`, since a long name is shortened in its row and whole in its title.
        const source = await page.locator("main").innerHTML();
        const complaints = shows.filter((word) => !source.includes(word)).map((word) => `the page does not show \`${word}\``);
        if ((await page.title()).trim() === "") complaints.push("the page has no title");
        await picture(page, name);
        if (options.javaScriptEnabled !== false) {
            complaints.push(...(await axeFindings(page, axe)).map((finding) => `not accessible: ${finding}`));
            const wide = await overflow(page);
            if (wide !== null) complaints.push(`wider than the screen: ${wide}`);
        }
        complaints.push(...wrong);
        must(complaints.length === 0, complaints.join("; "));
    } finally {
        await context.close();
    }
}

/** The lying process is not green: not in a row of a list, and nowhere on its own pages. */
async function lookAtLiar(browser, pages) {
    const { context, page } = await open(browser, DESKTOP);
    try {
        for (const [name, path, selector] of pages) {
            await page.goto(new URL(path, base).href, { waitUntil: "load" });
            const { looked, green } = await greenThings(page, selector);
            must(looked > 0, `${name} has no place that shows the lying process`);
            must(green.length === 0, `${name} shows it green: ${green.join("; ")}`);
        }
    } finally {
        await context.close();
    }
}

/** The check before this one is only worth something if green is found where it must be. */
async function lookAtHonest(browser, path) {
    const { context, page } = await open(browser, DESKTOP);
    try {
        await page.goto(new URL(path, base).href, { waitUntil: "load" });
        const { green } = await greenThings(page, "main");
        must(green.length > 0, "a verified run shows nothing green, so that not being green says nothing");
    } finally {
        await context.close();
    }
}

/** Somebody runs a process on one page; another page, which nobody touches, changes without being loaded again. */
async function lookAtLive(browser, process) {
    const still = await open(browser, DESKTOP);
    const hand = await open(browser, DESKTOP);
    try {
        await still.page.goto(base.href, { waitUntil: "load" });
        await watchElements(still.page);
        await hand.page.goto(new URL(`processes/${process}`, base).href, { waitUntil: "load" });
        await hand.page.locator("form[action$='/run'] button").first().click();
        await still.page.waitForFunction(() => globalThis.seaworthyChanged > 0, null, { timeout: LIVE_MS_MAX });
        must(still.wrong.length === 0, still.wrong.join("; "));
        must(hand.wrong.length === 0, hand.wrong.join("; "));
    } finally {
        await still.context.close();
        await hand.context.close();
    }
}

/** Somebody pauses a process on its page: the overview and the JSON say until when and why, in every width, until it goes on. */
async function lookAtPause(browser, process) {
    const reason = "disk swap on db1";
    const { context, page, wrong } = await open(browser, DESKTOP);
    try {
        const own = new URL(`processes/${process}`, base).href;
        await page.goto(own, { waitUntil: "load" });
        await page.locator("form[action$='/pause'] input[name=reason]").fill(reason);
        await page.locator("form[action$='/pause'] button").click();
        const { paused } = await json("overview");
        must(paused.length === 1 && paused[0].process === process && paused[0].reason === reason, `the JSON says ${JSON.stringify(paused)}`);
        must(Date.parse(paused[0].until) > Date.now(), `it has no end to come: ${paused[0].until}`);
        for (const [device, options] of DEVICES) {
            await lookAtPage(browser, `paused overview on ${device}`, "", ["paused until", reason], options);
            await lookAtPage(browser, `paused processes on ${device}`, "processes", ["paused until", reason], options);
        }
        await page.goto(own, { waitUntil: "load" });
        await page.locator("form[action$='/resume'] button").click();
        must((await json("overview")).paused.length === 0, "it is paused after it was resumed");
        must(wrong.length === 0, wrong.join("; "));
    } finally {
        await context.close();
    }
}

/** Without script: a run that has ended is begun once more at a step, and its new page says so. */
async function lookAtRerun(browser, id) {
    const { context, page, wrong } = await open(browser, { ...PHONE, ...NO_SCRIPT });
    try {
        await page.goto(new URL(`runs/${id}`, base).href, { waitUntil: "load" });
        const form = page.locator("form[action$='/rerun']");
        const steps = await form.locator("option").allTextContents();
        must(steps.length > 0, "no step is offered to begin at");
        await form.locator("select").selectOption(steps[0]);
        await Promise.all([page.waitForURL((url) => /\/runs\/run_/.test(url.pathname) && !url.pathname.endsWith(id)), form.locator("button").click()]);
        must(await page.locator("#verdict h1").count() === 1, "the page of the new run has no verdict");
        must(wrong.length === 0, wrong.join("; "));
    } finally {
        await context.close();
    }
}

async function all(browser) {
    let told;
    await look("the demo tells its story", async () => { told = await story(); });
    if (!told) return;
    const { processes, liar, honest } = told;
    const names = processes.map((p) => p.process);
    const pages = [
        ["overview", "", names.slice(0, 20)],
        ["processes", "processes", names.slice(0, 20)],
        ["process", `processes/${honest.process}`, [honest.process]],
        ["run", `runs/${honest.last_run_id}`, [honest.process]],
        ["lying process", `processes/${liar.process}`, [liar.process]],
        ["lying run", `runs/${liar.last_run_id}`, [liar.process]],
        ["changes", "changes", []],
    ];
    for (const [device, options] of DEVICES) {
        for (const [page, path, shows] of pages) {
            const name = `${page} on ${device}`;
            await look(name, () => lookAtPage(browser, name, path, shows, options));
        }
    }
    const row = `main :is(tr, li, article):has(a[href*='processes/${liar.process}'], a[href*='${liar.last_run_id}'])`;
    await look("the lying backup is not green", () => lookAtLiar(browser, [
        ["the overview", "", row],
        ["the list of processes", "processes", row],
        ["its process page", `processes/${liar.process}`, "main"],
        ["its run page", `runs/${liar.last_run_id}`, "main"],
    ]));
    await look("a verified run is green", () => lookAtHonest(browser, `runs/${honest.last_run_id}`));
    await look("a run is begun once more at a step without script", () => lookAtRerun(browser, honest.last_run_id));
    await look("a page that nobody touches changes", () => lookAtLive(browser, honest.process));
    await look("a pause is seen where all processes are seen", () => lookAtPause(browser, honest.process));
}

const browser = await chromium.launch({ executablePath: process.env.SEAWORTHY_BROWSER ?? "/usr/bin/chromium", args: ARGS });
try {
    await all(browser);
} finally {
    await browser.close();
}
end();
