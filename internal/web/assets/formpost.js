// Presses the one button of the page that hands an answer to an app.
document.querySelector("form[data-go]").submit();
