"""Charts as SVG: our own small code, because the report has to open without a network and without a library."""
