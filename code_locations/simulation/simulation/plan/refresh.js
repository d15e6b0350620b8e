// Simulates again when an assumption changes; without it, the form's button does.
(() => {
  const form = document.getElementById("plan");
  let running = null;
  const refresh = async () => {
    running?.abort();
    const mine = running = new AbortController();
    const status = document.getElementById("status");
    document.getElementById("figures").setAttribute("aria-busy", "true");
    status.textContent = "Simulating…";
    // a button of the form has the name "action", so that form.action is that button
    const target = form.getAttribute("action");
    const body = new URLSearchParams(new FormData(form));
    body.set("action", "simulate");
    try {
      const answer = await fetch(target, { method: "POST", body, signal: mine.signal });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-live]")) {
        const other = fresh.getElementById(part.id);
        if (!other) throw new Error(`the answer has no ${part.id}`);
        part.replaceWith(other);
      }
      for (const input of form.querySelectorAll("[aria-invalid]"))
        input.setAttribute("aria-invalid", fresh.getElementById(input.id).getAttribute("aria-invalid"));
    } catch (error) {
      if (mine.signal.aborted) return;
      status.textContent = `The server of this page does not answer (${error.message}): is make plan still running?`;
    }
  };
  form.addEventListener("change", (event) => {
    if (event.target.name.includes(".")) refresh();
  });
})();
