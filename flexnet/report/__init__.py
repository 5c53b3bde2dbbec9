"""One page that shows a study at once: claims, figures, what was run. A file that needs no other."""
