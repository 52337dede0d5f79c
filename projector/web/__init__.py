"""`projector web`: a viewer in the browser, which only reads."""
