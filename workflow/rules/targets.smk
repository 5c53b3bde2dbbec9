"""Named targets: everything of a reduced scale, and the published figures."""

for home in SCALES:
    if home:

        rule:
            name:
                home.rstrip("/")
            input:
                lambda wildcards, home=home: wanted(home),


rule published:
    input:
        targets.published_figures(STUDY),
