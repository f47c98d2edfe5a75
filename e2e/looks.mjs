// What is looked at inside a page. Each function runs in the page and returns plain values; none knows a particular page.

const AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** Serious and critical findings of axe, each with the first place where it is. */
export async function axeFindings(page, source) {
    await page.evaluate(source);
    const { violations } = await page.evaluate((values) => globalThis.axe.run(document, { runOnly: { type: "tag", values } }), AXE_TAGS);
    return violations
        .filter((v) => ["serious", "critical"].includes(v.impact))
        .map((v) => `${v.id} (${v.impact}, ${v.nodes.length}): ${v.nodes[0].html.slice(0, 120)}`);
}

/** What sticks out of the screen to the right, or null. A box that scrolls by itself may hold something wide. */
export function overflow(page) {
    return page.evaluate(() => {
        const width = document.documentElement.clientWidth;
        if (document.documentElement.scrollWidth <= width + 1) return null;
        const wide = [...document.querySelectorAll("body *")].find((e) => e.getBoundingClientRect().right > width + 1);
        return `${document.documentElement.scrollWidth} px on ${width} px${wide ? `, ${wide.outerHTML.slice(0, 100)}` : ""}`;
    });
}

/** How many places match, and what in them is drawn in a green that a person would take for "all right". */
export function greenThings(page, selector) {
    return page.evaluate((wanted) => {
        // Hue from 90 to 175 degrees with enough colour in it; the house's green is rgb(0, 158, 115), hue 164.
        const isGreen = (colour) => {
            const [r, g, b, alpha = 1] = (colour.match(/[\d.]+/g) ?? []).map(Number);
            if (!(alpha > 0.2)) return false;
            const most = Math.max(r, g, b), least = Math.min(r, g, b);
            if (most !== g || most - least < 40) return false;
            const hue = 60 * (2 + (b - r) / (most - least));
            return hue >= 90 && hue <= 175;
        };
        const places = [...document.querySelectorAll(wanted)];
        const green = new Set();
        for (const e of places.flatMap((place) => [place, ...place.querySelectorAll("*")])) {
            const box = e.getBoundingClientRect();
            if (box.width === 0 || box.height === 0) continue;
            const style = getComputedStyle(e);
            const drawn = e instanceof SVGElement ? [style.fill, style.stroke] : [style.backgroundColor];
            const writes = [...e.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.textContent.trim() !== "");
            if (writes) drawn.push(style.color);
            const use = e.tagName.toLowerCase() === "use" ? [style.color] : [];
            if ([...drawn, ...use].some(isGreen)) green.add(e.outerHTML.replace(/\s+/g, " ").slice(0, 120));
        }
        return { looked: places.length, green: [...green].slice(0, 3) };
    }, selector);
}

/** Counts elements that appear in `main` from now on; a clock that ticks changes text, not elements. */
export function watchElements(page) {
    return page.evaluate(() => {
        globalThis.seaworthyChanged = 0;
        new MutationObserver((changes) => {
            const added = changes.flatMap((change) => [...change.addedNodes]);
            globalThis.seaworthyChanged += added.filter((node) => node.nodeType === Node.ELEMENT_NODE).length;
        }).observe(document.querySelector("main"), { childList: true, subtree: true });
    });
}
