// Proves that run.mjs finds what it must: against a sound stand-in every look is ok; against one with planted flaws the
// looks that must fail do, each for its reason. Says the same kind of lines as run.mjs.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const LIMIT_MS = 120_000;

/** Flaws planted together, and what run.mjs has to say about them. */
const CASES = [
    { name: "a sound site passes", flaws: [], finds: [] },
    {
        name: "planted flaws are found",
        flaws: ["green-liar", "picture-without-text", "dead"],
        finds: [/^not ok the lying backup is not green: the overview shows it green/m, /^not ok overview on desktop: .*not accessible: image-alt/m,
            /^not ok a page that nobody touches changes/m],
    },
    {
        name: "more planted flaws are found",
        flaws: ["console-error", "wide", "needs-script", "silent-pause"],
        finds: [/^not ok overview on phone: .*wider than the screen/m,
            /^not ok run on desktop without script: the page does not show/m,
            /^not ok process on desktop: .*console: planted/m,
            /^not ok a pause is seen where all processes are seen: the page does not show `paused until`/m],
    },
    { name: "another host is found", flaws: ["other-host"], finds: [/^not ok overview on desktop: .*asks another host/m] },
];

async function lookedAt(flaws) {
    const site = spawn(process.execPath, ["stand-in.mjs", ...flaws], { stdio: ["ignore", "pipe", "inherit"] });
    try {
        const [line] = await once(createInterface({ input: site.stdout }), "line");
        const env = { ...process.env, SEAWORTHY_URL: line.match(/http:\S+/)[0], SEAWORTHY_SCREENSHOTS: "", SEAWORTHY_LIVE_MS: "8000" };
        const runner = spawn(process.execPath, ["run.mjs"], { env, stdio: ["ignore", "pipe", "inherit"], timeout: LIMIT_MS });
        let said = "";
        runner.stdout.on("data", (data) => { said += data; });
        const [code] = await once(runner, "close");
        return { code, said };
    } finally {
        site.kill("SIGTERM");
    }
}

let failures = 0;
// The short form is the case that shows that the runner bites.
const short = process.argv.includes("--short");
for (const { name, flaws, finds } of short ? CASES.slice(1, 2) : CASES) {
    const { code, said } = await lookedAt(flaws);
    const missed = finds.filter((find) => !find.test(said));
    const expected = finds.length === 0 ? 0 : 1;
    if (code === expected && missed.length === 0) {
        console.log(`ok self-test: ${name}`);
    } else {
        failures += 1;
        console.log(`not ok self-test: ${name}: exit code ${code}, not said: ${missed.join(" ")}`);
        console.error(said);
    }
}
process.exit(failures === 0 ? 0 : 1);
