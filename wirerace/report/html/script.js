"use strict";
for (const button of document.querySelectorAll("[data-theme-to]")) {
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = button.dataset.themeTo;
    for (const other of document.querySelectorAll("[data-theme-to]")) {
      other.setAttribute("aria-pressed", String(other === button));
    }
  });
}
document.querySelector(".themes").hidden = false;
let closed = [];
addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("details:not([open])")];
  for (const details of closed) details.open = true;
});
addEventListener("afterprint", () => {
  for (const details of closed) details.open = false;
});
