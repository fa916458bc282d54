// What the tests ask of every page beside axe. It is evaluated in the page; each check returns what is wrong, as texts.
globalThis.checks = (() => {
  "use strict";
  const LEAST = 24; // CSS pixels, WCAG 2.2 success criterion 2.5.8
  const CONTROLS = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]";

  const named = (element) => {
    const words = element.getAttribute("aria-label") || element.innerText || element.name || "";
    return `${element.localName}${element.id && "#" + element.id} “${words.trim().replace(/\s+/g, " ").slice(0, 40)}”`;
  };
  const isShown = (element) => element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length > 0;
  const controls = () =>
    [...document.querySelectorAll(CONTROLS)].filter((one) => one.tabIndex >= 0 && !one.disabled && isShown(one));
  const labelsOf = (element) => [...(element.labels || [])];

  // Links inside a sentence may be as high as its line.
  const isInSentence = (element) => {
    if (getComputedStyle(element).display !== "inline") return false;
    const sentence = element.closest("p, li, label, dd, td, th, h1, h2, h3");
    return Boolean(sentence) && sentence.innerText.trim().length > element.innerText.trim().length;
  };

  // A pointer anywhere in a square around the middle has to reach the control, or its label.
  const canBeHit = (control) => {
    control.scrollIntoView({ block: "center", inline: "center" });
    const box = control.getBoundingClientRect();
    const own = [control, ...labelsOf(control)];
    const reach = LEAST / 2 - 1; // the browser rounds to whole pixels; axe measures the box itself
    return [-reach, reach].every((x) => [-reach, reach].every((y) => {
      const hit = document.elementFromPoint(box.x + box.width / 2 + x, box.y + box.height / 2 + y);
      return own.some((one) => one.contains(hit));
    }));
  };
  const targets = () =>
    controls()
      .filter((one) => one.getBoundingClientRect().right > 0) // a link to skip comes into the window with the focus
      .filter((one) => !isInSentence(one) && !canBeHit(one))
      .map((one) => `the target is smaller than ${LEAST} pixels: ${named(one)}`);

  const overflow = () => {
    const width = document.documentElement.clientWidth;
    if (document.scrollingElement.scrollWidth <= width) return [];
    const wide = [...document.body.querySelectorAll("*")].filter((one) => one.getBoundingClientRect().right > width + 0.5);
    return [`the page is wider than ${width} pixels: ${wide.slice(0, 3).map(named).join(", ") || "the page itself"}`];
  };

  const structure = (language) => {
    const found = [];
    const headings = [...document.querySelectorAll("h1")].filter(isShown);
    if (headings.length !== 1) found.push(`the page has ${headings.length} headings of the first level`);
    if (document.documentElement.lang !== language) found.push(`the page says that it is in ${document.documentElement.lang}`);
    if (!document.title.trim()) found.push("the page has no title");
    const repeated = [...document.querySelectorAll("[id]")].map((one) => one.id).filter((id, at, all) => all.indexOf(id) !== at);
    if (repeated.length) found.push(`an id is there twice: ${repeated}`);
    return found;
  };

  const motion = () => {
    const moves = (style) =>
      style.animationName !== "none" || style.scrollBehavior === "smooth" ||
      style.transitionDuration.split(",").some((duration) => parseFloat(duration) > 0);
    return [...document.querySelectorAll("*")]
      .filter((one) => ["", "::before", "::after"].some((part) => moves(getComputedStyle(one, part || null))))
      .map((one) => `something moves: ${named(one)}`);
  };

  // The keyboard's way through the page: `start`, then the Tab key as often as it says, then `end`.
  const look = (element) => [element, ...labelsOf(element)].flatMap((one) => [[one, null], [one, "::after"]]).map(([one, part]) => {
    const style = getComputedStyle(one, part);
    const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    return [outlined && `${style.outlineWidth} ${style.outlineColor}`, style.boxShadow].join(" ");
  }).join();
  const place = (element) => {
    const box = (labelsOf(element).find(() => /radio|checkbox/.test(element.type)) || element).getBoundingClientRect();
    const region = element.closest("header, main, footer");
    return { top: box.top + scrollY, bottom: box.bottom + scrollY, left: box.left, right: box.right, region };
  };
  const goesBack = (before, after) => {
    if (before.region !== after.region) return false;
    if (after.bottom <= before.top + 1) return true;
    const shared = Math.min(before.bottom, after.bottom) - Math.max(before.top, after.top);
    const isOneLine = shared > Math.min(before.bottom - before.top, after.bottom - after.top) / 2;
    return isOneLine && after.right <= before.left + 1;
  };
  let stops, unfocused, visits;
  const visited = ({ target }) => {
    if (!visits.some((visit) => visit.target === target)) visits.push({ target, look: look(target), place: place(target) });
  };
  const isFirstOfGroup = (one, at, all) =>
    one.type !== "radio" || one.checked ||
    !all.some((other, there) => other.type === "radio" && other.name === one.name && (other.checked || there < at));
  const start = () => {
    document.body.tabIndex = -1;
    document.body.focus({ preventScroll: true });
    stops = controls().filter(isFirstOfGroup);
    unfocused = new Map(stops.map((one) => [one, look(one)]));
    visits = [];
    addEventListener("focusin", visited);
    // The parts of a date are stops of their own.
    return stops.length + 4 * stops.filter((one) => one.type === "date").length;
  };
  const end = () => {
    removeEventListener("focusin", visited);
    document.body.removeAttribute("tabindex");
    const found = stops.filter((one) => !visits.some((visit) => visit.target === one)).map((one) => `the Tab key misses ${named(one)}`);
    for (const [at, visit] of visits.entries()) {
      if (!unfocused.has(visit.target)) found.push(`the Tab key stops where nothing is to do: ${named(visit.target)}`);
      else if (unfocused.get(visit.target) === visit.look) found.push(`the focus can not be seen on ${named(visit.target)}`);
      const before = visits[at - 1];
      if (!before) continue;
      const follows = before.target.compareDocumentPosition(visit.target) & Node.DOCUMENT_POSITION_FOLLOWING;
      if (!follows || goesBack(before.place, visit.place)) found.push(`the Tab key goes back from ${named(before.target)} to ${named(visit.target)}`);
    }
    return found;
  };

  const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const described = ({ id, nodes }) => nodes.map((node) => `axe, ${id}: ${node.html.slice(0, 160)} (${node.any.concat(node.all, node.none).map((one) => one.message).join(" ")})`);
  // In a frame and around it, axe runs on its own each time.
  const field = async () => {
    const options = { runOnly: TAGS, resultTypes: ["violations"], iframes: false, preload: false };
    const results = await axe.run(document, options);
    if (results.passes.length < 5) return ["axe looked at nothing"];
    return results.violations.flatMap(described);
  };

  const own = (language) => [...structure(language), ...overflow(), ...targets(), ...motion()];
  return { field, own, start, end, motion };
})();
