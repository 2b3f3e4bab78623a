"""The frame that every service shares. It knows no ads, no Meta and no route of ours."""
