// Asks the frame of the login every now and then whether the person is still signed in there (OpenID Connect Session
// Management 1.0, section 3.1), and leaves the page when they are not.
"use strict";
(() => {
  const { frame: address, origin, message, seconds, action } = document.currentScript.dataset;
  const LEAST = 5;
  const KEY = "entracte-watched";
  const every = Math.max(LEAST, Number(seconds) || LEAST) * 1000;

  // A browser that hides the login's cookies from its frame makes it say "changed" from the first: that is no sign-out,
  // and to act on it would end every sign-in. So it counts only after the frame has once said "unchanged".
  const store = (use) => {
    try {
      return use(sessionStorage);
    } catch {
      return null;
    }
  };
  let known = store((kept) => kept.getItem(KEY)) === message;

  const frame = document.createElement("iframe");
  frame.hidden = true;
  frame.title = "";
  frame.src = address;
  let timer = 0;

  const ask = () => frame.contentWindow.postMessage(message, origin);
  const stop = () => {
    clearInterval(timer);
    removeEventListener("message", hear);
    frame.remove();
  };
  const leave = () => {
    const form = document.createElement("form");
    form.method = "post";
    form.action = action;
    document.body.append(form);
    form.submit();
  };
  const hear = (event) => {
    if (event.origin !== origin || event.source !== frame.contentWindow) return;
    if (event.data === "unchanged") {
      known = true;
      store((kept) => kept.setItem(KEY, message));
    } else if (event.data === "changed") {
      stop();
      if (known) leave();
    } else if (event.data === "error") {
      stop(); // what was sent is wrong, and would be every time
    }
  };

  addEventListener("message", hear);
  frame.addEventListener(
    "load",
    () => {
      ask();
      timer = setInterval(ask, every);
    },
    { once: true },
  );
  document.body.append(frame);
})();
