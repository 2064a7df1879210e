// Freezing: the page as it is now, as one file that opens without a network, for homework.

/** The page as a document of its own: no script, no control, no token, and the figures as data. */
function frozen(page, data, when) {
  const copy = page.cloneNode(true);
  copy.querySelectorAll("script, template, link, [data-live]").forEach((element) => element.remove());
  copy.querySelectorAll("input, select").forEach((element) => element.setAttribute("disabled", ""));
  // A copy has the values that fields began with; what a person sees are properties.
  page.querySelectorAll("input").forEach((input, index) => copy.querySelectorAll("input")[index].setAttribute("value", input.value));
  page.querySelectorAll("select").forEach((select, index) => {
    for (const option of copy.querySelectorAll("select")[index].options) option.toggleAttribute("selected", option.value === select.value);
  });
  const policy = copy.ownerDocument.createElement("meta");
  policy.httpEquiv = "Content-Security-Policy";
  policy.content = "default-src 'none'; style-src 'unsafe-inline'";
  copy.querySelector("head").prepend(policy);
  copy.querySelector("head").prepend(copy.querySelector("meta[charset]")); // a browser looks for it in the first bytes
  const note = copy.querySelector("#frozen");
  note.hidden = false;
  note.textContent = `Frozen at ${when.toISOString().slice(0, 19).replace("T", " ")} UTC. Nothing on this page changes any more.`;
  const figures = copy.ownerDocument.createElement("script");
  figures.type = "application/json";
  figures.id = "figures";
  figures.textContent = JSON.stringify(data).replaceAll("<", "\\u003c");
  copy.querySelector("body").append(figures);
  return `<!DOCTYPE html>\n${copy.outerHTML}\n`;
}

function save(html, when) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([html], { type: "text/html" }));
  link.download = `wirerace-${when.toISOString().slice(0, 19).replaceAll(":", "-")}.html`;
  link.click();
  URL.revokeObjectURL(link.href);
}
