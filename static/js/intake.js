// Files come in: chosen, or dropped anywhere on the page.

import { $ } from "./dom.js";

/** @param {(files: FileList) => void} take */
export function setUpIntake(take) {
  const input = $("file");
  input.multiple = true;
  input.required = false; // a recording is enough; the page itself asks for one or the other
  input.accept += ",.srt,.vtt"; // captions
  input.addEventListener("change", () => {
    take(input.files);
    input.value = ""; // choosing the same file again is then a change, too
  });

  for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
    document.addEventListener(type, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      const leaving = type === "drop" || (type === "dragleave" && !event.relatedTarget);
      document.body.classList.toggle("dropping", !leaving);
      if (type === "drop") take(event.dataTransfer.files);
    });
  }

  if (input.files.length) take(input.files); // a reload may keep the chosen files
}
