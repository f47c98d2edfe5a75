// A person who has never seen Seaworthy claims a fresh server on a phone, makes a passkey, comes in by it and invites a
// second person. Says one line per look, as run.mjs does. The first argument is the program.
//
// SEAWORTHY_BROWSER, SEAWORTHY_SCREENSHOTS as in run.mjs. The authenticator program is written here after RFC 6238.

import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";
import { axeFindings, overflow } from "./looks.mjs";
import { end, look, must } from "./say.mjs";

const pictures = process.env.SEAWORTHY_SCREENSHOTS;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PAGE_MS_MAX = 30_000;
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
const DESKTOP = { viewport: { width: 1280, height: 900 } };
const PASSWORD = "mauve saddle orbit crate";
const ARGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run", "--disable-background-networking"];

/** A fresh site and its server; its pages by the name that passkeys need. */
async function server(program) {
    const folder = mkdtempSync(join(tmpdir(), "seaworthy-door-"));
    writeFileSync(join(folder, "seaworthy.yaml"), "site: acme\nteams:\n  ops: { people: [ada, grace] }\nroutes:\n  oncall: { command: \"cat >> told.txt\" }\n");
    const env = { ...process.env, XDG_RUNTIME_DIR: join(folder, "run") };
    mkdirSync(env.XDG_RUNTIME_DIR, { mode: 0o700 });
    const child = spawn(program, ["up", "--json", "--listen", "127.0.0.1:0"], { cwd: folder, env, stdio: ["ignore", "pipe", "ignore"] });
    const first = await new Promise((resolve, reject) => {
        createInterface({ input: child.stdout }).once("line", resolve);
        child.once("exit", () => reject(new Error("the server ended at once")));
    });
    const said = JSON.parse(first);
    const here = (url) => url.trim().replace("127.0.0.1", "localhost");
    const end = () => new Promise((resolve) => { child.once("exit", resolve); child.kill("SIGTERM"); })
        .then(() => rmSync(folder, { recursive: true, force: true }));
    return { url: here(said.url), link: here(readFileSync(said.owner_link_file, "utf8")), end };
}

/** Codes of a secret, each once; the one that comes next is taken a little early. */
function phone(secret) {
    const bits = [...secret].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
    const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
    let last = 0;
    return () => {
        const now = Math.floor(Date.now() / 30_000);
        last = Math.max(last + 1, now);
        const step = Buffer.alloc(8);
        step.writeBigUInt64BE(BigInt(last));
        const tag = createHmac("sha1", key).update(step).digest();
        return String((tag.readUInt32BE(tag[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
    };
}

async function open(browser, options) {
    const context = await browser.newContext(options);
    context.setDefaultTimeout(PAGE_MS_MAX);
    const page = await context.newPage();
    const wrong = [];
    page.on("console", (message) => message.type() === "error" && wrong.push(`console: ${message.text()}`));
    page.on("pageerror", (error) => wrong.push(`script: ${error.message}`));
    return { context, page, wrong };
}

/** The page is accessible, fits, and nothing went wrong on it. */
async function sound(page, wrong, name) {
    if (pictures) {
        mkdirSync(pictures, { recursive: true });
        await page.screenshot({ path: `${pictures}/${name.replaceAll(" ", "-")}.png`, fullPage: true });
    }
    const complaints = (await axeFindings(page, axe)).map((finding) => `not accessible: ${finding}`);
    const wide = await overflow(page);
    if (wide !== null) complaints.push(`wider than the screen: ${wide}`);
    must(complaints.concat(wrong).length === 0, complaints.concat(wrong).join("; "));
}

async function setUp(page, link, name) {
    await page.goto(link);
    const secret = new URL(await page.locator("a[href^='otpauth:']").getAttribute("href")).searchParams.get("secret");
    const code = phone(secret);
    if (name) await page.fill("#name", name);
    await page.fill("#password", PASSWORD);
    await page.fill("#again", PASSWORD);
    await page.fill("#code", code());
    return code;
}

async function all(browser, site) {
    const ada = await open(browser, PHONE);
    const { page, wrong } = ada;
    const passkeys = await ada.context.newCDPSession(page);
    await passkeys.send("WebAuthn.enable");
    await passkeys.send("WebAuthn.addVirtualAuthenticator", { options: { protocol: "ctap2", transport: "internal",
        hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } });
    await look("the first owner claims a fresh server on a phone", async () => {
        await setUp(page, site.link, "ada");
        await sound(page, wrong, "set up on phone");
        await page.click("button.main");
        await page.waitForURL(site.url);
        must((await page.locator("a.who").textContent()) === "ada", "the page does not say who is in");
        must((await page.locator("main").textContent()).includes("one owner alone"), "one owner is not said to be a finding");
        await sound(page, wrong, "claimed overview on phone");
    });
    await look("a passkey is made", async () => {
        await page.goto(`${site.url}account`);
        await page.fill("#label", "my phone");
        await page.click("text=Add a passkey of this device");
        await page.waitForSelector("th:has-text('my phone')");
        await sound(page, wrong, "account on phone");
    });
    await look("a passkey opens the door on a phone-sized page, and the history has it", async () => {
        await page.click("text=Sign out");
        await page.waitForURL(`${site.url}sign-in`);
        await sound(page, wrong, "sign in on phone");
        await page.click("text=Sign in with a passkey");
        await page.waitForURL(site.url);
        await page.goto(`${site.url}account`);
        must((await page.locator("main").textContent()).includes("passkey"), "the session does not say how it began");
        must(!(await page.locator("tr:has-text('my phone') td[data-head='last used']").textContent()).includes("never"), "the passkey was not used");
    });
    await look("a token is made for a robot, shown once, works within its scope and not after it was revoked", async () => {
        await page.goto(`${site.url}account`);
        await page.click("text=Your tokens for programs");
        await page.fill("#label", "deploys of shop");
        await page.check("input[name='may_run']");
        await page.check("input[name='robot']");
        await sound(page, wrong, "make a token on phone");
        await page.click("text=Make a token");
        const secret = (await page.locator("code.link").textContent()).trim();
        await sound(page, wrong, "token made on phone");
        const ask = (path) => fetch(`${site.url}api/v1/${path}`, { headers: { authorization: `Bearer ${secret}` }, signal: AbortSignal.timeout(PAGE_MS_MAX) });
        const me = await (await ask("me")).json();
        must(me.name === "ada" && me.token.robot && me.token.may.join() === "see,run", `the token is not hers: ${JSON.stringify(me)}`);
        must((await ask("entries")).status === 403, "it may more than its scope");
        await page.goto(`${site.url}account/tokens`);
        must(!(await page.content()).includes(secret), "the token is shown again");
        const row = page.locator("tr:has-text('deploys of shop')");
        must((await row.textContent()).includes("robot"), "it is not said to be a robot's");
        must(!(await row.locator("td[data-head='last used']").textContent()).includes("never"), "its use is not noted");
        await row.locator("summary").click();
        await row.locator("input[name='reason']").fill("the machine was sold");
        await row.locator("button").click();
        must((await page.locator("tr:has-text('deploys of shop')").textContent()).includes("revoked"), "it is not said to be revoked");
        must((await ask("me")).status === 401, "a token that was revoked opens something");
    });
    let link;
    await look("a second person is invited, and one owner alone is no finding any more", async () => {
        await page.goto(`${site.url}people`);
        await page.fill("#name", "grace");
        await page.selectOption("#role", "owner");
        await page.click("text=Make a link");
        link = (await page.locator("code.link").textContent()).trim();
        await sound(page, wrong, "people on phone");
        const grace = await open(browser, DESKTOP);
        await setUp(grace.page, link, "");
        await sound(grace.page, grace.wrong, "set up on desktop");
        await grace.page.click("button.main");
        await grace.page.waitForURL(site.url);
        must(!(await grace.page.locator("main").textContent()).includes("one owner alone"), "two owners are not one");
        await grace.page.goto(`${site.url}people`);
        must((await grace.page.locator("tbody").first().textContent()).includes("ada"), "she does not see the others");
        await sound(grace.page, grace.wrong, "people on desktop");
        await grace.page.goto(`${site.url}account/tokens`);
        must((await grace.page.locator("section:has(#others)").textContent()).includes("ada"), "tokens of others have no owner");
        await sound(grace.page, grace.wrong, "tokens on desktop");
        await grace.page.goto(`${site.url}account`);
        await sound(grace.page, grace.wrong, "account on desktop");
        await grace.context.close();
    });
    await look("a passkey of another site opens nothing", async () => {
        const elsewhere = await open(browser, DESKTOP);
        await elsewhere.page.goto(`${site.url.replace("localhost", "127.0.0.1")}sign-in`);
        await elsewhere.page.waitForSelector("#password");
        await sound(elsewhere.page, elsewhere.wrong, "sign in on desktop");
        await elsewhere.page.click("text=Sign in with a passkey");
        await elsewhere.page.waitForSelector("[role='status']:has-text('It did not work')");
        await elsewhere.context.close();
    });
}

const site = await server(process.argv[2]);
const browser = await chromium.launch({ executablePath: process.env.SEAWORTHY_BROWSER ?? "/usr/bin/chromium", args: ARGS });
try {
    await all(browser, site);
} finally {
    await browser.close();
    await site.end();
}
end();
