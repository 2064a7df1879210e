"""The report as one HTML file that makes no request: figures, charts and words of one result or several."""
