"""Named targets: everything of a reduced scale, and the published figures."""

for home in SCALES:
    if home:

        rule:
            name:
                home.rstrip("/")
            input:
                everything(home),


rule published:
    input:
        [
            f"{home}figures/{variant}{figure}.pdf"
            for home in PUBLISHED
            for variant, protocol in VARIANTS.items()
            for figure in FIGURES
            if (ROOT / f"{home}results/rows/{protocol}/{figure}.csv").is_file()
        ],
        [f"{home}figures/claims.pdf" for home in PUBLISHED],
