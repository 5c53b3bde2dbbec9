"""The stages of the workflow: each module runs one job from its settings and files."""
