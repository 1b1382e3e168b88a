// Applies the remembered colour scheme before the first paint; a classic script, so that it runs at once.
try {
  const theme = localStorage.getItem("deskbell.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden: then the system's scheme it is.
}
