// Entracte: shows a campaign in this page.
//   <script src="https://…/embed.js" data-campaign="summer-quiz" async></script>
//   or <div data-entracte-campaign="summer-quiz">what stands here until then</div> with the script anywhere.
"use strict";
(() => {
  const own = document.currentScript;
  if (!own) return;
  const origin = new URL(own.src).origin;
  const WORD = /^[\w-]+$/;
  const RETURN = /(^|[#&])entracte-return=([\w-]+)(?=&|$)/;
  const OPEN = document.documentElement.lang.startsWith("fr") ? "Ouvrir :" : "Open:";

  // A page may not be allowed to keep anything: then the campaign works, and begins anew after a reload.
  const keep = (name, value) => { try { sessionStorage.setItem(`entracte:${name}`, value); } catch { /* not kept */ } };
  const kept = (name) => { try { return sessionStorage.getItem(`entracte:${name}`) || ""; } catch { return ""; } };

  // Back from the sign-in, which was in the whole window: the handle is for the campaign that was last in use.
  let handle = (RETURN.exec(location.hash) || [])[2] || "";
  const returning = handle && kept(" last");
  if (handle) history.replaceState(history.state, "", location.pathname + location.search + location.hash.replace(RETURN, "$1").replace(/[#&]$/, ""));

  const address = (campaign) => {
    const key = kept(campaign);
    const parts = ["", "c", campaign, "in"];
    const comesBack = handle && WORD.test(key) && (!returning || returning === campaign);
    if (WORD.test(key)) parts.push(key);
    if (comesBack) parts.push("return", handle);
    if (comesBack) handle = "";
    return { src: `${origin}${parts.map(encodeURIComponent).join("/")}?page=${encodeURIComponent(location.href)}`, comesBack };
  };

  const show = (campaign, title, put) => {
    const frame = document.createElement("iframe");
    const { src, comesBack } = address(campaign);
    frame.title = title || campaign;
    frame.referrerPolicy = "origin";
    frame.style.cssText = "display:block;width:100%;height:640px;border:0;color-scheme:normal";
    frame.src = src;
    let pages = 0;

    // A frame that may not stand in this page stays empty, and the browser tells nobody. One that may says so at once.
    const way = document.createElement("a");
    Object.assign(way, { href: `${origin}/c/${encodeURIComponent(campaign)}`, target: "_blank", rel: "noopener" });
    way.textContent = `${OPEN} ${frame.title}`;
    let heard = false;
    const offer = () => { if (!heard) frame.before(way); };
    frame.addEventListener("load", () => setTimeout(offer, 1500));
    setTimeout(offer, 10000);

    addEventListener("message", ({ origin: from, source, data }) => {
      if (from !== origin || source !== frame.contentWindow || !data) return;
      heard = true;
      way.remove();
      if (data.entracte === "key" && data.campaign === campaign && typeof data.key === "string" && WORD.test(data.key)) {
        keep(campaign, data.key);
        keep(" last", campaign);
      }
      if (data.entracte === "height" && data.height > 0) frame.style.height = `${Math.min(Math.ceil(data.height), 20000)}px`;
      // The first page must not move the brand's page; later ones begin where people can see it.
      if (data.entracte === "top" && pages++ && frame.getBoundingClientRect().top < 0) frame.scrollIntoView();
    });
    put(frame);
    if (comesBack) frame.scrollIntoView();
  };

  const fill = () => {
    for (const place of document.querySelectorAll("[data-entracte-campaign]")) {
      if (place.dataset.entracteShown) continue;
      place.dataset.entracteShown = "yes";
      show(place.dataset.entracteCampaign, place.dataset.title, (frame) => place.replaceChildren(frame));
    }
  };

  if (own.dataset.campaign) show(own.dataset.campaign, own.dataset.title, (frame) => own.after(frame));
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", fill);
  else fill();
})();
