"""What a plan is made of: its graph of questions, bounds on their answers, and one batch's run."""
