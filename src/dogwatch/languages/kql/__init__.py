"""The Kibana Query Language, as Elastic's detection engine runs it."""
