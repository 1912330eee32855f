// The page without a reload: the form works without this file, too.

const $ = (id) => document.getElementById(id);
const form = $("form");
const input = $("file");
const button = $("predict");
const player = $("player");
const chooser = form.querySelector(".chooser");

function showError(message) {
  $("error").textContent = message;
  $("error").hidden = !message;
}

function showFile() {
  const [file] = input.files;
  $("result").hidden = true;
  showError("");
  $("chosen").hidden = !file;
  if (player.src) URL.revokeObjectURL(player.src);
  if (!file) {
    player.removeAttribute("src");
    return;
  }
  $("name").textContent = file.name;
  player.hidden = false;
  $("no-preview").hidden = true;
  player.src = URL.createObjectURL(file);
}

function percent(probability) {
  return `${Math.round(probability * 100)} %`;
}

function showAnswer(answer) {
  for (const row of $("bars").children) {
    const probability = answer.probabilities[row.dataset.label];
    row.querySelector("meter").value = probability;
    row.querySelector(".bar-value").textContent = percent(probability);
    if (row.dataset.label === answer.emotion) {
      $("emoji").textContent = row.querySelector("[aria-hidden]").textContent;
    }
  }
  $("emotion").textContent = answer.emotion;
  $("confidence").textContent = `${percent(answer.confidence)} confidence`;
  const words = JSON.parse($("warnings").dataset.words);
  const warnings = answer.warnings.map((code) => words[code] ?? code);
  if (answer.truncated) warnings.push(`Only the first ${Math.round(answer.duration)} s were analysed.`);
  $("warnings").replaceChildren(
    ...warnings.map((text) => Object.assign(document.createElement("li"), { textContent: text })),
  );
  $("details").textContent =
    `${answer.duration.toFixed(1)} s of audio · ${answer.model.name} ${answer.model.version}`;
  $("result").hidden = false;
  $("result").scrollIntoView({ block: "nearest" });
}

async function predict(file) {
  const body = new FormData();
  body.append("file", file);
  const response = await fetch("/predict", { method: "POST", body, headers: { Accept: "application/json" } });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error.message);
  return answer;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const [file] = input.files;
  if (!file || button.disabled) return;
  if (file.size > Number(form.dataset.maxBytes)) {
    showError(`The file has ${(file.size / 1e6).toFixed(1)} MB; the limit is ${form.dataset.maxBytes / 1e6} MB.`);
    return;
  }
  button.disabled = true;
  button.textContent = "ANALYSING …";
  showError("");
  try {
    showAnswer(await predict(file));
  } catch (error) {
    $("result").hidden = true;
    const offline = error instanceof TypeError || error instanceof SyntaxError;
    showError(offline ? "The server did not answer. Try again." : error.message);
  } finally {
    button.disabled = false;
    button.textContent = "PREDICT";
  }
});

input.addEventListener("change", showFile);

player.addEventListener("error", () => {
  if (!player.src) return;
  player.hidden = true;
  $("no-preview").hidden = false;
});

for (const type of ["dragover", "dragleave", "drop"]) {
  chooser.addEventListener(type, (event) => {
    event.preventDefault();
    chooser.classList.toggle("dropping", type === "dragover");
    if (type === "drop" && event.dataTransfer.files.length) {
      input.files = event.dataTransfer.files;
      showFile();
    }
  });
}

if (input.files.length) showFile();
