// Shows what a mark stands for beside the pointer; the page can be read without it.
(() => {
  const box = document.getElementById("tooltip");
  const hide = () => { box.hidden = true; };
  document.addEventListener("pointermove", (event) => {
    const mark = event.target.closest?.("svg [aria-label][role='graphics-symbol']");
    if (!mark) { hide(); return; }
    box.textContent = mark.getAttribute("aria-label");
    box.hidden = false;
    const left = Math.min(event.clientX + 14, window.innerWidth - box.offsetWidth - 8);
    const above = event.clientY - box.offsetHeight - 12;
    box.style.left = `${Math.max(left, 8)}px`;
    box.style.top = `${above < 8 ? event.clientY + 18 : above}px`;
  });
  document.addEventListener("pointerleave", hide);
  document.addEventListener("scroll", hide, { passive: true });
})();
