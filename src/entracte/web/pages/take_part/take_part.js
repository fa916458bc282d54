// The pages work without this. It adds: letters that choose, focus on what is wrong, and one submit per press.
"use strict";
(() => {
  const summary = document.querySelector("[data-summary]");
  if (summary) summary.focus();

  // A link of the summary leads into its field, not only to its place.
  document.addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest("[data-summary] a");
    const field = link && document.getElementById(link.hash.slice(1));
    if (!field) return;
    event.preventDefault();
    field.focus();
    const row = field.closest(".field, .tick, .choice, form") || field;
    if (row.getBoundingClientRect().top < 0 || field.getBoundingClientRect().bottom > innerHeight) row.scrollIntoView();
  });

  const types = (element) =>
    element.isContentEditable || /^(TEXTAREA|SELECT)$/.test(element.tagName) ||
    (element.tagName === "INPUT" && !/^(radio|checkbox)$/.test(element.type));

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat || types(event.target)) return;
    if (!/^[a-z]$/i.test(event.key)) return;
    const choice = document.querySelector(`[aria-keyshortcuts="${event.key.toUpperCase()}"]`);
    if (!choice) return;
    event.preventDefault();
    choice.focus();
    choice.click();
  });

  // A second press is ignored while the first one is under way: not for ever, the answer may never come.
  const PATIENCE = 6000;
  const release = (form) => {
    delete form.dataset.sent;
    form.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
  };
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.dataset.popup !== undefined) return;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "yes";
    if (event.submitter) event.submitter.setAttribute("aria-busy", "true");
    setTimeout(release, PATIENCE, form);
  });
  // Back shows the page as it was left, out of the browser's memory.
  addEventListener("pageshow", () => document.querySelectorAll("[data-sent]").forEach(release));
})();
