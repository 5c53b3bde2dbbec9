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
        [
            f"{home}figures/{variant}{figure}.pdf"
            for home in PUBLISHED
            for variant, protocol in VARIANTS.items()
            for figure in FIGURES
            if is_published(home, protocol, figure)
        ],
        [f"{home}figures/claims.pdf" for home in PUBLISHED],
