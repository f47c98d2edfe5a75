// What the pages do more when script is allowed: they stay live, say how fresh they are, follow logs, and are
// moved through by keys. Every page is complete without it. Text from outside is only ever set as text; the
// fragments of HTML come from the same templates, escaped there.
'use strict';
(() => {
  const base = document.body.dataset.base;
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // ---- ages: the words of src/show.rs, so that both sides say the same
  const age = (s) => {
    s = Math.max(0, Math.floor(s));
    if (s < 60) return `${s} s`;
    if (s < 3600) return `${Math.floor(s / 60)} min`;
    if (s < 86400) return `${Math.floor(s / 3600)} h`;
    const d = Math.floor(s / 86400), h = Math.floor(s / 3600) % 24;
    return d < 10 && h > 0 ? `${d} d ${h} h` : `${d} d`;
  };
  // The server's clock decides; the browser's may be wrong.
  let skew = Date.parse(document.body.dataset.now) - Date.now();
  const now = () => Date.now() + skew;
  const setText = (node, text) => { if (node.textContent !== text) node.textContent = text; };
  const ages = () => {
    for (const t of all('time[data-ago]')) {
      const text = age((now() - Date.parse(t.dateTime)) / 1000);
      setText(t, t.dataset.ago ? `${text} ${t.dataset.ago}` : text);
    }
  };

  // ---- live: fragments replace elements of the same id; silence is said, never hidden
  const fresh = $('#fresh');
  const SILENT_MS = 6000; // three signs of life
  let heard = 0, lostAt = 0;
  const clock = (ms) => new Date(ms).toISOString().slice(11, 19);
  const freshness = () => {
    if (!document.body.dataset.live) return;
    const quiet = heard ? Date.now() - heard : Infinity;
    if (quiet < SILENT_MS) {
      lostAt = 0;
      fresh.classList.remove('lost');
      document.body.classList.remove('stale');
      setText(fresh, `live, ${age(quiet / 1000)} ago`);
    } else if (heard) {
      lostAt = lostAt || heard + skew;
      fresh.classList.add('lost');
      document.body.classList.add('stale');
      setText(fresh, `not live since ${clock(lostAt)}`);
    }
  };
  const replace = ({ target, html }) => {
    const old = document.getElementById(target);
    if (!old) return;
    const box = document.createElement('template');
    // A row only parses inside a table.
    box.innerHTML = html.trim();
    const next = box.content.firstElementChild;
    if (!next) return;
    // The same log goes on; what did not change stays as it is.
    const pre = $('[data-log]', old);
    if (pre && $('[data-log]', next)?.dataset.log === pre.dataset.log) return;
    if (old.isEqualNode(next)) return;
    const held = old.contains(document.activeElement) ? place(old) : null;
    for (const open of all('details', old)) {
      const twin = open.id && box.content.getElementById(open.id);
      if (twin) twin.open = open.open;
    }
    next.classList.add('changed');
    next.addEventListener('animationend', () => next.classList.remove('changed'));
    old.replaceWith(next);
    if (held) held(next);
    for (const pre of all('[data-log]', next)) tail(pre);
  };
  // Remembers which focusable element had the focus, by its number.
  const FOCUS = 'a[href]:not([tabindex="-1"]),button,input,summary,[tabindex="0"]';
  const place = (root) => {
    const index = all(FOCUS, root).indexOf(document.activeElement);
    return (next) => all(FOCUS, next)[index]?.focus({ preventScroll: true });
  };
  const follow = () => {
    const url = document.body.dataset.live;
    if (!url || !window.EventSource) return;
    const source = new EventSource(url);
    source.addEventListener('fragment', (e) => { heard = Date.now(); replace(JSON.parse(e.data)); ages(); });
    source.addEventListener('beat', (e) => { heard = Date.now(); skew = Number(e.data) - heard; freshness(); });
    // A refused connection is closed for good by the browser: try again, slowly.
    source.addEventListener('error', () => {
      if (source.readyState === EventSource.CLOSED) setTimeout(follow, 5000);
    });
    addEventListener('pagehide', () => source.close());
  };

  // ---- logs: all of it, following until you scroll
  const LOG_NODES_MAX = 5000;
  const tails = new Set();
  const tail = (pre) => {
    if (!window.EventSource || pre.source) return;
    const state = $('.log-state', pre.parentElement);
    const source = pre.source = new EventSource(`${pre.dataset.log}?from=${pre.dataset.next || 0}`);
    let last = Number(pre.dataset.last), ended = false, dropped = 0, sign = Date.now();
    const atEnd = () => pre.scrollHeight - pre.scrollTop - pre.clientHeight < 24;
    const say = () => {
      if (!pre.isConnected) { source.close(); tails.delete(say); return; }
      if (ended) return;
      const silent = Date.now() - sign;
      let text = last ? `last line ${age((now() - last) / 1000)} ago` : 'no line yet';
      if (silent > SILENT_MS) text = `no word from the server for ${age(silent / 1000)}; what follows is not known`;
      else if (!atEnd()) text += ', not following: scroll to the end to follow';
      if (dropped) text += '; the beginning is in the raw text';
      setText(state, text);
    };
    source.addEventListener('piece', (e) => {
      sign = Date.now();
      const { voice, at, text } = JSON.parse(e.data);
      const stick = atEnd();
      const span = document.createElement('span');
      span.className = voice;
      span.textContent = text;
      pre.append(span);
      while (pre.childNodes.length > LOG_NODES_MAX) { pre.firstChild.remove(); dropped++; }
      last = at;
      if (stick) pre.scrollTop = pre.scrollHeight;
      say();
    });
    source.addEventListener('beat', () => { sign = Date.now(); say(); });
    source.addEventListener('end', () => { ended = true; source.close(); setText(state, 'ended'); });
    addEventListener('pagehide', () => source.close());
    pre.scrollTop = pre.scrollHeight;
    tails.add(say);
    say();
  };

  // ---- palette over pages, processes and runs
  const palette = $('#palette'), text = $('#palette-text'), list = $('#palette-list');
  let choices = [], chosen = 0;
  const PAGES = [['Overview', '/', 'g o'], ['Processes', '/processes', 'g p'], ['Help', '/help', '?']];
  const load = async () => {
    choices = PAGES.map(([name, path, hint]) => ({ name, path, hint }));
    draw();
    const get = (path) => fetch(`${base}/api/v1/${path}`).then((r) => (r.ok ? r.json() : {})).catch(() => ({}));
    const [a, b] = await Promise.all([get('processes'), get('runs?limit=50')]);
    for (const p of a.processes || []) {
      choices.push({ name: p.process, path: `/processes/${encodeURIComponent(p.process)}`, hint: p.word });
    }
    for (const r of [...(b.live || []), ...(b.runs || [])]) {
      const said = r.ended_at ? `executed ${r.executed}, verified ${r.verified}` : 'running';
      choices.push({ name: `${r.process} ${r.kind} ${r.run_id.slice(-8)}`, path: `/runs/${r.run_id}`, hint: said });
    }
    draw();
  };
  const found = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    return choices.filter((c) => words.every((w) => `${c.name} ${c.hint}`.toLowerCase().includes(w))).slice(0, 30);
  };
  const draw = () => {
    const hits = found();
    chosen = Math.min(chosen, Math.max(0, hits.length - 1));
    list.replaceChildren(...hits.map((c, i) => {
      const li = document.createElement('li'), hint = document.createElement('span');
      li.id = `choice-${i}`;
      li.setAttribute('role', 'option');
      li.setAttribute('aria-selected', String(i === chosen));
      li.textContent = c.name;
      hint.className = 'dim';
      hint.textContent = c.hint;
      li.append(hint);
      li.addEventListener('click', () => go(c.path));
      return li;
    }));
    text.setAttribute('aria-activedescendant', hits.length ? `choice-${chosen}` : '');
    list.children[chosen]?.scrollIntoView({ block: 'nearest' });
  };
  const go = (path) => { location.href = base + path; };
  const openPalette = () => { if (!palette.open) { text.value = ''; chosen = 0; palette.showModal(); load(); } };
  text.addEventListener('input', () => { chosen = 0; draw(); });
  text.addEventListener('keydown', (e) => {
    const hits = found();
    if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
      e.preventDefault();
      chosen = (chosen + (e.key === 'ArrowDown' ? 1 : hits.length - 1)) % Math.max(1, hits.length);
      draw();
    } else if (e.key === 'Enter' && hits[chosen]) { e.preventDefault(); go(hits[chosen].path); }
  });

  // ---- keys
  const move = (step) => {
    const rows = all('[data-row]');
    const at = rows.findIndex((row) => row.contains(document.activeElement) || row === document.activeElement);
    const row = rows[Math.max(0, Math.min(rows.length - 1, at < 0 ? 0 : at + step))];
    const target = row && (row.matches('summary') ? row : $('a[href]:not([tabindex="-1"])', row));
    target?.focus();
    row?.scrollIntoView({ block: 'nearest' });
  };
  let prefix = 0;
  addEventListener('keydown', (e) => {
    if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === 'k') { e.preventDefault(); openPalette(); return; }
    if (e.ctrlKey || e.metaKey || e.altKey || e.target.closest('input,textarea,select,dialog')) return;
    const after = Date.now() - prefix < 1200;
    prefix = 0;
    if (after && e.key === 'o') go('/');
    else if (after && e.key === 'p') go('/processes');
    else if (e.key === 'g') prefix = Date.now();
    else if (e.key === 'j') move(1);
    else if (e.key === 'k') move(-1);
    else if (e.key === '/') { e.preventDefault(); const f = $('#filter'); if (f) f.focus(); else openPalette(); }
    else if (e.key === '?') $('#keys').showModal();
  });

  for (const b of all('.script-only')) b.hidden = false;
  $('[data-open="palette"]')?.addEventListener('click', openPalette);
  for (const pre of all('[data-log]')) tail(pre);
  follow();
  ages();
  setInterval(() => { ages(); freshness(); for (const say of tails) say(); }, 1000);
})();
