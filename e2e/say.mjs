// One line per look: `ok NAME` or `not ok NAME: why`. What is looked at and how is the runners' own; this file must not
// know any page.

let failures = 0;

/** Carries out one look; what it throws is why it is not ok. */
export async function look(name, body) {
    try {
        await body();
        console.log(`ok ${name}`);
    } catch (error) {
        failures += 1;
        console.log(`not ok ${name}: ${String(error.message ?? error).split("\n").slice(0, 12).join(" | ")}`);
    }
}

/** Throws the sentence unless the condition holds. */
export function must(condition, sentence) {
    if (!condition) throw new Error(sentence);
}

/** Exit code 1 if any look was not ok. */
export function end() {
    process.exit(failures === 0 ? 0 : 1);
}
