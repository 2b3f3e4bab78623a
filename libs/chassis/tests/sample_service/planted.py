"""Recognisable secrets, to be searched for where none may be."""

PLANTED = [f"planted-{number:02d}-secret" for number in range(40)]
META_TOKEN = "EAAGplantedZ" + "x" * 40
