// Figures: tabs of a molecule's pictures, pictures enlarged by a click, links that open what they name.
"use strict";

for (const card of document.querySelectorAll(".tabbed")) {
  const panels = [...card.querySelectorAll(".panel")];
  if (panels.length < 2) continue;
  const list = document.createElement("div");
  list.className = "tabs";
  list.setAttribute("role", "tablist");
  const tabs = panels.map((panel) => {
    const tab = document.createElement("button");
    tab.type = "button";
    tab.textContent = panel.dataset.title;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", panel.id);
    panel.setAttribute("role", "tabpanel");
    list.append(tab);
    return tab;
  });
  const show = (index) => {
    panels.forEach((panel, k) => panel.classList.toggle("hidden", k !== index));
    tabs.forEach((tab, k) => {
      tab.setAttribute("aria-selected", String(k === index));
      tab.tabIndex = k === index ? 0 : -1;
    });
  };
  tabs.forEach((tab, index) => {
    tab.addEventListener("click", () => show(index));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = (index + step + tabs.length) % tabs.length;
      show(next);
      tabs[next].focus();
    });
    panels[index].addEventListener("reveal", () => show(index));
  });
  card.querySelector("h4").after(list);
  show(0);
}

const enlarged = document.getElementById("enlarged");
for (const button of document.querySelectorAll(".enlarge")) {
  button.addEventListener("click", () => {
    const image = button.querySelector("img").cloneNode();
    // At all its pixels, where the window has no room for more than the page shows.
    image.removeAttribute("width");
    image.removeAttribute("height");
    enlarged.querySelector("div").replaceChildren(image);
    enlarged.showModal();
  });
}
enlarged.addEventListener("click", (event) => {
  if (event.target === enlarged || event.target.tagName === "BUTTON") enlarged.close();
});

/** Open what the address names: a folded table, a hidden tab. */
function openTarget() {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  if (target.tagName === "DETAILS") target.open = true;
  if (target.classList.contains("hidden")) {
    target.dispatchEvent(new Event("reveal"));
    target.scrollIntoView();
  }
}
addEventListener("hashchange", openTarget);
openTarget();
