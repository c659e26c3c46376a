"""Say and listen: text becomes sound, sound becomes text, behind small ports."""
