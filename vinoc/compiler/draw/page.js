"use strict";
const root = document.documentElement;
const index = JSON.parse(document.getElementById("index").textContent);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const make = (tag, text, name) => {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  if (name) made.className = name;
  return made;
};

// Light and dark: what the system says, until the button is pressed.
document.getElementById("theme").addEventListener("click", () => {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
});

document.getElementById("unfold").addEventListener("click", (event) => {
  const some = all("details.pass:not(.empty)");
  const open = some.some((d) => !d.open);
  some.forEach((d) => { d.open = open; });
  event.target.textContent = open ? "Close all" : "Open all";
});
all("details.empty > summary").forEach((s) => s.addEventListener("click", (event) => event.preventDefault()));

// What a card is and where it comes from, beside the pointer; the same node is marked before and after.
const tip = document.getElementById("tip");
const cards = all("svg .card");
for (const card of cards) {
  const title = card.querySelector("title");
  card.dataset.tip = title.textContent;
  title.remove(); // else the browser shows it as well
  card.setAttribute("aria-label", card.dataset.tip);
}
const twins = (card) => {
  const figure = card.closest("figure");
  return figure ? all(`.card[data-k="${card.dataset.k}"]`, figure) : [];
};
document.addEventListener("mouseover", (event) => {
  const card = event.target.closest && event.target.closest(".card");
  all(".card.same").forEach((c) => c.classList.remove("same"));
  tip.style.display = card ? "block" : "none";
  if (!card) return;
  tip.textContent = card.dataset.tip;
  twins(card).forEach((c) => c.classList.add("same"));
});
document.addEventListener("mousemove", (event) => {
  if (tip.style.display !== "block") return;
  tip.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8))}px`;
  const below = event.clientY + 16;
  tip.style.top = `${below + tip.offsetHeight < innerHeight ? below : Math.max(4, event.clientY - tip.offsetHeight - 10)}px`;
});

// Going to a picture opens what it lies in.
const reveal = (element) => {
  for (let at = element.parentElement; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  element.scrollIntoView({ block: "center" });
};
const follow = () => {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  if (target.tagName === "DETAILS") target.open = true;
  reveal(target);
};
addEventListener("hashchange", follow);
follow();

// Search: framework nodes and what became of them, and the cards of all pictures.
const field = document.getElementById("find");
const found = document.getElementById("found");
const SHOWN = 40;
let hits = [];
let at = -1;
const link = (id) => {
  const a = make("a", `picture ${id.slice(1)}`, "chip");
  a.href = `#${id}`;
  return a;
};
const entry = (node) => {
  const box = make("div");
  box.append(make("code", node.name), make("span", node.type ? ` ${node.type}` : "", "soft"));
  const fate = make("div", `→ ${node.to.length ? node.to.join(", ") : "nothing is left of it"}`, "soft");
  box.append(fate);
  if (node.pictures.length) box.append(...node.pictures.map(link));
  return box;
};
const search = () => {
  const text = field.value.trim().toLowerCase();
  cards.forEach((c) => c.classList.remove("hit", "at"));
  hits = text ? cards.filter((c) => c.dataset.s.includes(text)) : [];
  at = -1;
  hits.forEach((c) => c.classList.add("hit"));
  const nodes = text ? index.filter((n) => `${n.name} ${n.type}`.toLowerCase().includes(text)) : [];
  const head = `${nodes.length} nodes of the model, ${hits.length} cards in pictures${hits.length ? " (Enter: next)" : ""}`;
  found.replaceChildren(make("div", head, "soft"), ...nodes.slice(0, SHOWN).map(entry));
  found.classList.toggle("open", Boolean(text));
};
field.addEventListener("input", search);
field.addEventListener("keydown", (event) => {
  if (event.key === "Escape") { field.value = ""; search(); }
  if (event.key !== "Enter" || !hits.length) return;
  hits[at]?.classList.remove("at");
  at = (at + (event.shiftKey ? hits.length - 1 : 1)) % hits.length;
  if (at < 0) at = hits.length - 1;
  hits[at].classList.add("at");
  found.classList.remove("open");
  reveal(hits[at]);
});
document.addEventListener("click", (event) => {
  if (!event.target.closest(".find")) found.classList.remove("open");
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== field) { event.preventDefault(); field.focus(); }
});
