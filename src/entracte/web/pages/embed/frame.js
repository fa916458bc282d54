// Inside the frame: tells the brand's page, and nobody else, the key to come back with and how tall the page is.
"use strict";
(() => {
  const { parent: origin, campaign, key } = document.currentScript.dataset;
  if (window.parent === window || !origin) return;
  const tell = (message) => window.parent.postMessage(message, origin);

  if (key) tell({ entracte: "key", campaign, key });
  tell({ entracte: "top" });

  // The body, not the document: a document is never shorter than its frame, and could not shrink it again.
  let told = 0;
  const measure = () => {
    const height = Math.ceil(document.body.getBoundingClientRect().height);
    if (height !== told) tell({ entracte: "height", height: (told = height) });
  };
  measure();
  new ResizeObserver(measure).observe(document.body, { box: "border-box" });
})();
