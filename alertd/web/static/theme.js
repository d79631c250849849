// Before anything is drawn: the look that this browser was told to keep, where it was told.
(() => {
  try {
    const kept = localStorage.getItem("theme");
    if (kept === "dark" || kept === "light") document.documentElement.dataset.theme = kept;
  } catch { /* no storage: the system's look holds */ }
})();
