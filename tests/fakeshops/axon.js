// Stands for the Axon pixel: it keeps every call, also over a reload.
window.errors = [];
window.addEventListener("error", function (event) { window.errors.push(event.message); });
window.axon = function () {
  var calls = JSON.parse(localStorage.getItem("axonCalls") || "[]");
  calls.push([].slice.call(arguments));
  localStorage.setItem("axonCalls", JSON.stringify(calls));
};
