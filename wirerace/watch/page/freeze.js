// Freezing: the page as it is now, as one file that opens without a network, for homework.

const stamp = (when) => when.toISOString().slice(0, 19);

/** The page as a document of its own: no script, no control, no token, and the figures as data. */
function frozen(page, data, when) {
  const copy = page.cloneNode(true);
  copy.querySelectorAll("script, template, link, [data-live]").forEach((element) => element.remove());
  copy.querySelectorAll("input, select").forEach((element) => element.setAttribute("disabled", ""));
  keepValues(page, copy);
  const policy = copy.ownerDocument.createElement("meta");
  policy.httpEquiv = "Content-Security-Policy";
  policy.content = "default-src 'none'; style-src 'unsafe-inline'";
  copy.querySelector("head").prepend(policy);
  copy.querySelector("head").prepend(copy.querySelector("meta[charset]")); // a browser looks for it in the first bytes
  const note = copy.querySelector("#frozen");
  note.hidden = false;
  note.textContent = `Frozen at ${stamp(when).replace("T", " ")} UTC. Nothing on this page changes any more.`;
  const figures = copy.ownerDocument.createElement("script");
  figures.type = "application/json";
  figures.id = "figures";
  figures.textContent = JSON.stringify(data).replaceAll("<", "\\u003c");
  copy.querySelector("body").append(figures);
  return `<!DOCTYPE html>\n${copy.outerHTML}\n`;
}

/** A copy has the values with which fields began. What a person sees are properties, which are not copied. */
function keepValues(page, copy) {
  const staying = (name) => [...page.querySelectorAll(name)].filter((element) => !element.closest("[data-live]"));
  const inputs = copy.querySelectorAll("input");
  staying("input").forEach((input, index) => inputs[index].setAttribute("value", input.value));
  const options = copy.querySelectorAll("option");
  staying("option").forEach(({ selected }, index) => options[index].toggleAttribute("selected", selected));
}

function save(html, when) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([html], { type: "text/html" }));
  link.download = `wirerace-${stamp(when).replaceAll(":", "-")}.html`;
  link.click();
  URL.revokeObjectURL(link.href);
}
