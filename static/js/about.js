// What the model says of itself; every figure comes from the server.

import { $, barOf, el, percent } from "./dom.js";

export async function setUpAbout() {
  const about = $("about");
  try {
    const response = await fetch("/model", { headers: { Accept: "application/json" } });
    if (!response.ok) throw new Error(response.statusText);
    about.replaceChildren(...describe(await response.json()));
  } catch {
    about.replaceChildren(el("p", { className: "quiet" }, "The server did not tell."));
  } finally {
    about.setAttribute("aria-busy", "false");
  }
}

function describe(model) {
  const facts = el("dl");
  const fact = (name, value) => value && facts.append(el("dt", {}, name), el("dd", {}, value));
  fact("Name", model.name);
  fact("Version", el("code", {}, model.version));
  fact("Trained on", model.trained_on);
  fact("Tells", model.labels.join(", "));
  fact("Licence", model.licence);
  const part = (title, ...content) => el("section", {}, el("h3", {}, title), ...content);
  return [
    part("What it is", facts),
    part("On voices it has never heard", ...quality(model)),
    part("What it is for", el("p", {}, model.use), el("p", { className: "limits" }, model.limits)),
  ];
}

function quality({ scores, human_uar: human, labels }) {
  // A protocol that leaks has the voices of its test in its training: it says nothing here.
  const honest = [scores[human.protocol], ...Object.values(scores)].find((s) => s?.leaks === false);
  const [low, high] = honest?.interval?.uar ?? [];
  const rows = [
    comparison("This model", honest?.uar),
    comparison("Human listeners", human.value),
    comparison("Guessing", 1 / labels.length),
  ];
  return [
    el("ul", { className: "bars comparison" }, ...rows),
    el(
      "p",
      { className: "quiet" },
      "Share of the clips recognised, each emotion counting alike (UAR). ",
      `The figure for people: ${human.source}.`,
      honest ? "" : " This model's own is not measured yet.",
      low ? ` This model's is between ${percent(low)} and ${percent(high)}, at 95 %.` : "",
    ),
  ];
}

function comparison(name, value) {
  const known = Number.isFinite(value);
  return el(
    "li",
    {},
    el("span", { className: "bar-label" }, name),
    barOf(known ? value : 0),
    el("span", { className: "bar-value" }, known ? percent(value) : "–"),
  );
}
