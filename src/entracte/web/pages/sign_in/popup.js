// The end of a sign-in in a pop-up: tell the window that opened this one, and close when it has heard.
"use strict";
(() => {
  const { handle, opener: origin } = document.currentScript.dataset;
  if (!window.opener || window.opener === window || !origin) return;
  addEventListener("message", (event) => {
    if (event.origin !== origin || event.source !== window.opener) return;
    if (event.data && event.data.entracte === "received") window.close();
  });
  window.opener.postMessage({ entracte: "signed-in", handle }, origin);
})();
