// Sign-in in a pop-up. Where no window opens, the form goes its usual way in this one.
"use strict";
(() => {
  const form = document.querySelector("form[data-popup]");
  if (!form) return;
  const name = "entracte-sign-in";
  const usual = form.target;
  // A page of a frame that stands in a window of its own: its key may be somebody else's, and must not get the handle.
  if (usual === "_top" && window.parent === window) return;
  let popup = null;

  const field = document.createElement("input");
  field.type = "hidden";
  field.name = "window";

  form.addEventListener("submit", () => {
    // Must happen here and now: Safari lets a window open only while the press is handled.
    popup = window.open("", name, "popup,width=480,height=720");
    field.value = popup ? "popup" : "same";
    form.append(field);
    form.target = popup ? name : usual;
    if (popup) popup.focus();
  });

  addEventListener("message", (event) => {
    const told = event.data;
    if (event.origin !== location.origin || !popup || event.source !== popup) return;
    if (!told || told.entracte !== "signed-in" || typeof told.handle !== "string") return;
    if (!/^[\w-]+$/.test(told.handle)) return;
    popup.postMessage({ entracte: "received" }, location.origin);
    location.replace(form.dataset.popup + told.handle);
  });
})();
