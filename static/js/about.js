// Describes the model. Every number comes from the server.

import { $, barOf, el, percent } from "./dom.js";

export async function setUpAbout() {
  const about = $("about");
  try {
    const response = await fetch("/model", { headers: { Accept: "application/json" } });
    if (!response.ok) throw new Error(response.statusText);
    about.replaceChildren(...describe(await response.json()));
  } catch {
    about.replaceChildren(el("p", { className: "quiet" }, "The server sent no description of the model."));
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
  fact("Emotions", model.labels.join(", "));
  fact("Labels", model.labels_assumed && "Not in the model file: the usual eight, in the usual order, are assumed");
  fact("Licence", model.licence);
  const part = (title, ...content) => el("section", {}, el("h3", {}, title), ...content);
  return [
    part("Model", facts),
    part("On new speakers", ...quality(model)),
    part("Use", el("p", {}, model.use), el("p", { className: "limits" }, model.limits)),
  ];
}

function quality({ scores, human_uar: human, labels }) {
  // The mean over corpora, each left out in turn: what to expect of anybody else's recordings.
  const strangers = scores.corpora?.mean_over_corpora;
  const others = strangers ? [] : Object.values(scores);
  // A protocol that leaks has its test speakers in the training, so its scores are left out.
  const actors = [scores[human.protocol], ...others].find((s) => s?.leaks === false);
  const honest = strangers ?? actors;
  const [low, high] = honest?.interval?.uar ?? [];
  const rows = [
    ...(strangers
      ? [
          comparison("Other recordings", strangers.uar),
          ...(actors ? [comparison("Unseen actors", actors.uar)] : []),
        ]
      : [comparison("This model", actors?.uar)]),
    comparison("Human listeners", human.value),
    comparison("Guessing", 1 / labels.length),
  ];
  return [
    el("ul", { className: "bars comparison" }, ...rows),
    el(
      "p",
      { className: "quiet" },
      "Unweighted average recall (UAR): the fraction of clips recognised, averaged over the emotions. ",
      honest ? "" : "This model is not measured yet. ",
      strangers ? "Other recordings: people, languages and microphones that the model never heard. " : "",
      low ? `${strangers ? "There it" : "This model"} is between ${percent(low)} and ${percent(high)} (95 % interval). ` : "",
      `Human listeners: ${human.source}.`,
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
