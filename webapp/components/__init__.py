"""What every page is made of: template tags, fragments and the style guide."""
