// Buttons that copy a text: `data-copy` is the text, `data-copies` the id of the element that holds it.

export function offerCopies(root) {
  for (const button of root.querySelectorAll("[data-copy], [data-copies]")) {
    button.addEventListener("click", async () => {
      const text = button.dataset.copy ?? document.getElementById(button.dataset.copies)?.textContent ?? "";
      await write(text);
      const said = button.querySelector("[data-copied]");
      if (!said) return;
      said.hidden = false;
      setTimeout(() => { said.hidden = true; }, 1500);
    });
  }
}

async function write(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Over plain http there is no clipboard for scripts: a field, selected, is the old way.
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
}
